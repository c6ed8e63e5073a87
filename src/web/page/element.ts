type Child = Node | string | null | undefined | false;
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

/** Returns an element of index.html. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element ${id}`);
  return found;
}

/** Shows a message for a few seconds; screen readers announce it. */
export function notify(text: string): void {
  const notice = byId("notice");
  notice.textContent = text;
  notice.classList.add("shown");
  clearTimeout(hideTimer);
  hideTimer = setTimeout(() => notice.classList.remove("shown"), 6000);
}
let hideTimer: ReturnType<typeof setTimeout> | undefined;
