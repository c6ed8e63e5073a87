import { element } from "./element.ts";
import type { View } from "./views.ts";

/** Creates a view of one card under a heading, which is the view's title too. */
export const cardView = (title: string, ...content: (Node | string | false)[]): View => ({
  title,
  content: element("section", { className: "card" }, element("h1", { textContent: title }), ...content),
});

export const paragraph = (...content: (Node | string)[]): HTMLElement => element("p", {}, ...content);

/** Creates a row of links below a form. */
export const links = (...content: (Node | string | false)[]): HTMLElement =>
  element("p", { className: "links" }, ...content.filter(Boolean).map((item) => element("span", {}, item)));
