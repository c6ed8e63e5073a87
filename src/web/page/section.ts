import { element } from "./element.ts";

type Child = Parameters<typeof element>[2];

/** Creates a part of a view under a heading, which names it for screen readers too. */
export const section = (id: string, title: string, ...content: Child[]): HTMLElement =>
  element(
    "section",
    { id, attributes: { "aria-labelledby": `${id}-title` } },
    element("h2", { id: `${id}-title`, textContent: title, tabIndex: -1 }),
    ...content,
  );

/** Moves the focus to a section's heading, when the element that had it is gone. */
export const focusSection = (part: HTMLElement): void => part.querySelector("h2")?.focus();
