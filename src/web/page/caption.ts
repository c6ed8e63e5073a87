import { button, element } from "./element.ts";
import { text } from "./texts/text.ts";

/**
 * Creates the caption of a post, of which lists show the first lines, and a button for the rest.
 * @param expanded the ids of the posts whose caption is shown in full
 */
export function clampedCaption(caption: string, id: string, expanded: Set<string>): HTMLElement[] {
  if (caption === "") return [];
  const words = element("p", { className: "caption", dir: "auto", textContent: caption });
  const show = () => {
    const isWhole = expanded.has(id);
    words.classList.toggle("whole", isWhole);
    toggle.textContent = text(isWhole ? "readLess" : "readMore");
    toggle.setAttribute("aria-expanded", String(isWhole));
  };
  const toggle = button(
    "",
    () => {
      if (!expanded.delete(id)) expanded.add(id);
      show();
    },
    { className: "read-more", hidden: !expanded.has(id) },
  );
  show();
  return [words, toggle];
}

/** Shows the button of those captions that do not fit. The items must be in the document. */
export function offerMore(items: readonly HTMLElement[]): void {
  // Read everything before the first change: the browser then arranges the page once.
  const toggles = items.flatMap((item) => {
    const words = item.querySelector<HTMLElement>(".caption:not(.whole)");
    return words
      ? [{ toggle: words.nextElementSibling!, fits: words.scrollHeight <= words.clientHeight + 1 }]
      : [];
  });
  for (const { toggle, fits } of toggles) (toggle as HTMLElement).hidden = fits;
}
