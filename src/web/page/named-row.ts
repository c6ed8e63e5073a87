import { element, type Child } from "./element.ts";

/** Creates a row of a list: a name with a detail below it, and the actions on it. */
export const namedRow = (name: string, detail: HTMLElement, ...actions: Child[]): HTMLLIElement =>
  element(
    "li",
    {},
    element("div", { className: "about" }, element("strong", { textContent: name, dir: "auto" }), detail),
    ...actions,
  );
