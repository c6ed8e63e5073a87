import { kindOf } from "./file-kind.ts";
import { randomKey } from "./random-key.ts";
import { language, text } from "./texts/text.ts";
import { previewBox } from "./upload-preview.ts";
import { createUploadRow } from "./upload-row.ts";

/** `draft`: the user has not shared it yet; `queued`: it waits or is being sent; `failed`: it stays until the user acts. */
export type UploadState = "draft" | "queued" | "failed";

export interface UploadItemEvents {
  /** The user wants another try. */
  retry(item: UploadItem): void;
  /** The user presses Enter in one of the texts. */
  enter(item: UploadItem): void;
  /** The user removes the file. */
  remove(item: UploadItem): void;
  /** The state or the progress has changed. */
  changed(): void;
}

/** A file to share and its row in the list of uploads. */
export class UploadItem {
  /** Idempotency key: a repeated upload returns the first post instead of creating another. */
  readonly key = randomKey();
  /** The poster of a video; undefined for images, and if the browser cannot play the video. */
  readonly poster: Promise<Blob | undefined>;
  readonly #discarded = new AbortController();
  readonly #row: ReturnType<typeof createUploadRow>;
  #state: UploadState = "draft";
  #part = 0;

  /** @param makePicture makes a small picture of a file; a video's is its poster */
  constructor(
    readonly file: File,
    private readonly on: UploadItemEvents,
    makePicture: (file: File, signal: AbortSignal) => Promise<Blob | undefined>,
  ) {
    const { signal } = this.#discarded;
    const picture = makePicture(file, signal);
    this.poster = kindOf(file) === "video" ? picture : Promise.resolve(undefined);
    this.#row = createUploadRow(file, previewBox(picture, signal), {
      retry: () => on.retry(this),
      remove: () => on.remove(this),
      enter: () => on.enter(this),
    });
  }

  get shown(): HTMLElement {
    return this.#row.shown;
  }

  get state(): UploadState {
    return this.#state;
  }

  /** Fraction of the bytes sent so far, 0 to 1. */
  get part(): number {
    return this.#part;
  }

  get caption(): string {
    return this.#row.caption.value;
  }

  get alt(): string {
    return this.#row.alt.value;
  }

  /** Moves the focus to the caption, or in a file that cannot be changed to its buttons. */
  focus(): void {
    (this.#state === "draft" ? this.#row.caption : this.#row.remove).focus();
  }

  /** Queues the file and shows this status. */
  wait(status: string): void {
    this.#show({ state: "queued", status });
  }

  /** @param part fraction of the bytes sent so far, 0 to 1 */
  progress(part: number): void {
    const status = part < 1 ? percentage.format(part) : text("nearlyThere");
    this.#show({ state: "queued", part, status });
  }

  /** Shows the error, and offers another try if that may help. */
  fail(error: string, { mayRetry }: { mayRetry: boolean }): void {
    this.#show({ state: "failed", error, mayRetry });
  }

  /** Removes the row and frees the preview. */
  discard(): void {
    this.#discarded.abort();
    this.shown.remove();
  }

  #show({ state, part, status = "", error = "", mayRetry = false }: ShownState): void {
    const row = this.#row;
    this.#state = state;
    this.#part = part ?? 0;
    // A retry with the same idempotency key must send the same texts.
    row.caption.readOnly = row.alt.readOnly = true;
    row.shown.classList.add("locked");
    row.progress.hidden = part === undefined;
    row.progress.value = this.#part;
    row.status.hidden = status === "";
    row.status.textContent = status;
    row.error.textContent = error;
    if (!mayRetry && document.activeElement === row.again) row.remove.focus();
    row.again.hidden = !mayRetry;
    this.on.changed();
  }
}

interface ShownState {
  readonly state: UploadState;
  readonly part?: number;
  readonly status?: string;
  readonly error?: string;
  readonly mayRetry?: boolean;
}

const percentage = new Intl.NumberFormat(language, { style: "percent" });
