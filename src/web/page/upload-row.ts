import { maxAltLength, maxCaptionLength } from "../../limits.ts";
import { button, element } from "./element.ts";
import { fileSize } from "./sizes.ts";
import { text } from "./texts/text.ts";

export interface UploadRowEvents {
  retry(): void;
  pause(): void;
  remove(): void;
  /** The user presses Enter in one of the texts. */
  enter(): void;
}

/** Creates the row of a file in the list of uploads. @param preview the box for its picture */
export function createUploadRow({ name, size }: File, preview: HTMLElement, on: UploadRowEvents) {
  const caption = textField(maxCaptionLength);
  const alt = textField(maxAltLength);
  const progress = element("progress", {
    max: 1,
    value: 0,
    hidden: true,
    attributes: { "aria-label": text("uploadOf", { name }) },
  });
  const status = element("p", { className: "hint", hidden: true });
  const error = element("p", { className: "error", attributes: { role: "alert" } });
  const again = button(text("tryAgain"), on.retry, { hidden: true });
  const pause = button(text("pause"), on.pause, { hidden: true });
  const remove = button(text("remove"), on.remove, {
    attributes: { "aria-label": text("removeFile", { name }) },
  });
  const texts = element(
    "div",
    { className: "texts" },
    element("label", {}, text("caption"), caption),
    element("label", {}, text("alt"), alt),
  );
  // Input methods use Enter to choose a word.
  texts.addEventListener("keydown", ({ key, isComposing }) => key === "Enter" && !isComposing && on.enter());
  const row = element(
    "div",
    { className: "upload", attributes: { role: "group", "aria-label": name } },
    preview,
    element(
      "p",
      { className: "file" },
      element("bdi", { textContent: name }),
      element("span", { className: "hint", textContent: fileSize(size) }),
    ),
    texts,
    element("div", { className: "state" }, progress, status, error),
    element("div", { className: "row end" }, pause, again, remove),
  );
  return { shown: element("li", {}, row), caption, alt, progress, status, error, pause, again, remove };
}

/** Creates a text field. With its placeholder, the style sheet can tell whether it is empty. */
const textField = (maxLength: number) =>
  element("input", { type: "text", maxLength, autocomplete: "off", dir: "auto", placeholder: " " });
