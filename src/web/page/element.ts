/** A child of an element. Null, undefined, false and an empty text add nothing. */
export type Child = Node | string | null | undefined | false;
type Properties<Tag extends keyof HTMLElementTagNameMap> = Partial<
  Omit<HTMLElementTagNameMap[Tag], "style" | "children" | "dataset" | "attributes">
> & { attributes?: Record<string, string> };

/** Creates an element. Text is never parsed as HTML, here or anywhere else in the page. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Properties<Tag> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const { attributes = {}, ...rest } = properties;
  const created = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, value);
  created.append(...children.filter((child): child is Node | string => Boolean(child)));
  return created;
}

/** Creates a button that does not submit a form. */
export function button(
  label: string,
  onClick: () => unknown,
  properties: Properties<"button"> = {},
): HTMLButtonElement {
  const created = element("button", { type: "button", textContent: label, ...properties });
  created.addEventListener("click", onClick);
  return created;
}

/** Creates a link. */
export const link = (href: string, label: string): HTMLAnchorElement =>
  element("a", { href, textContent: label });

/** Moves the focus to an element that users cannot focus, such as a heading, without scrolling. */
export function moveFocusTo(target: HTMLElement): void {
  target.tabIndex = -1;
  target.focus({ preventScroll: true });
}

/** Returns an element of index.html. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element ${id}`);
  return found;
}
