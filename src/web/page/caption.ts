import { button, element } from "./element.ts";
import { text } from "./texts/text.ts";

/**
 * Creates the caption of a post, cut off after its first lines, and a button that shows the rest.
 * @param expanded the ids of the posts whose caption is shown in full
 */
export function clampedCaption(caption: string, id: string, expanded: Set<string>): HTMLElement[] {
  if (caption === "") return [];
  const paragraph = element("p", { className: "caption", dir: "auto", textContent: caption });
  const show = () => {
    const isWhole = expanded.has(id);
    paragraph.classList.toggle("whole", isWhole);
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
  return [paragraph, toggle];
}

/** Shows the buttons of the captions that are cut off. The items must be in the document. */
export function showCaptionToggles(items: readonly HTMLElement[]): void {
  // Read everything before the first change, so that the browser computes the layout once.
  const toggles = items.flatMap((item) => {
    const caption = item.querySelector<HTMLElement>(".caption:not(.whole)");
    return caption
      ? [{ toggle: caption.nextElementSibling!, fits: caption.scrollHeight <= caption.clientHeight + 1 }]
      : [];
  });
  for (const { toggle, fits } of toggles) (toggle as HTMLElement).hidden = fits;
}
