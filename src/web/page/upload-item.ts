import { maxCaptionLength } from "../../limits.ts";
import { button, element } from "./element.ts";
import { language, text } from "./texts/text.ts";

/** A file to share and its row in the list of uploads. */
export class UploadItem {
  /** Idempotency key: a repeated upload returns the first post instead of creating another. */
  readonly key = randomKey();
  readonly shown: HTMLElement;
  /** Whether the user has pressed Share and the file has not been sent yet. */
  queued = false;

  readonly #preview: string;
  readonly #caption: HTMLInputElement;
  readonly #progress: HTMLProgressElement;
  readonly #status: HTMLElement;
  readonly #share: HTMLButtonElement;

  /** @param on handlers of the buttons */
  constructor(
    readonly file: File,
    on: { share: (item: UploadItem) => void; remove: (item: UploadItem) => void },
  ) {
    this.#preview = URL.createObjectURL(file);
    this.#caption = element("input", {
      type: "text",
      maxLength: maxCaptionLength,
      placeholder: text("caption"),
      autocomplete: "off",
      attributes: { "aria-label": text("captionFor", { name: file.name }) },
    });
    this.#progress = element("progress", {
      max: 1,
      value: 0,
      hidden: true,
      attributes: { "aria-label": text("uploadOf", { name: file.name }) },
    });
    this.#status = element("span", {
      className: "hint",
      textContent: file.name,
      attributes: { role: "status" },
    });
    this.#share = button(text("share"), () => on.share(this), { className: "primary" });
    const remove = button(text("remove"), () => on.remove(this), {
      attributes: { "aria-label": text("removeFile", { name: file.name }) },
    });
    this.#caption.addEventListener("keydown", ({ key }) => key === "Enter" && this.#share.click());
    this.shown = element(
      "li",
      {},
      preview(file, this.#preview),
      element("div", { className: "stack" }, this.#caption, this.#progress, this.#status),
      element("div", { className: "row" }, this.#share, remove),
    );
  }

  get caption(): string {
    return this.#caption.value;
  }

  focus(): void {
    this.#caption.focus();
  }

  /** Queues the file and shows this status. */
  wait(message: string): void {
    this.queued = true;
    this.#share.disabled = true;
    // A retry with the same idempotency key must send the same caption.
    this.#caption.readOnly = true;
    this.#progress.hidden = true;
    this.#status.textContent = message;
  }

  /** @param part fraction of the bytes sent so far, 0 to 1 */
  progress(part: number): void {
    this.#progress.hidden = false;
    this.#progress.value = part;
    this.#status.textContent = part < 1 ? percentage.format(part) : text("nearlyThere");
  }

  /**
   * Shows the error and offers another try.
   * @param refused whether the service is known to have created no post
   */
  fail(message: string, { refused }: { refused: boolean }): void {
    this.queued = false;
    this.#share.disabled = false;
    this.#share.textContent = text("tryAgain");
    this.#caption.readOnly = !refused;
    this.#progress.hidden = true;
    this.#status.textContent = message;
  }

  /** Removes the row and frees the preview. */
  discard(): void {
    this.queued = false;
    URL.revokeObjectURL(this.#preview);
    this.shown.remove();
  }
}

const percentage = new Intl.NumberFormat(language, { style: "percent" });

/** Shows the file itself, or an empty box where the browser cannot decode it. */
function preview({ type }: File, src: string): HTMLElement {
  const shown = type.startsWith("video/")
    ? element("video", { src, muted: true, preload: "metadata" })
    : element("img", { src, alt: "" });
  shown.addEventListener("error", () => shown.replaceWith(element("div", { className: "no-preview" })));
  return shown;
}

/** 128 random bits. crypto.randomUUID() exists only in secure contexts, so not over plain HTTP. */
const randomKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
