import { kindOf } from "./file-kind.ts";
import { randomKey } from "./random-key.ts";
import { language, text } from "./texts/text.ts";
import { previewBox } from "./upload-preview.ts";
import { resumableFromBytes } from "./upload-limits.ts";
import { createUploadRow } from "./upload-row.ts";

/** `draft`: not shared yet; `queued`: waiting or being sent; `paused`, `failed`: waiting for the user. */
export type UploadState = "draft" | "queued" | "paused" | "failed";

export interface UploadItemEvents {
  /** The user presses Try again. */
  retry(item: UploadItem): void;
  /** The user presses Enter in one of the texts. */
  enter(item: UploadItem): void;
  /** The user presses Pause. */
  pause(item: UploadItem): void;
  /** The user presses Remove. */
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
  #fraction = 0;

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
      pause: () => on.pause(this),
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
  get fraction(): number {
    return this.#fraction;
  }

  get caption(): string {
    return this.#row.caption.value;
  }

  get alt(): string {
    return this.#row.alt.value;
  }

  /** Moves the focus to the caption, or if that cannot be changed any more, to the button Remove. */
  focus(): void {
    (this.#state === "draft" ? this.#row.caption : this.#row.remove).focus();
  }

  /** Queues the file and shows this status. */
  wait(status: string): void {
    this.#show({ state: "queued", status });
  }

  /** @param fraction of the bytes sent so far, 0 to 1 */
  progress(fraction: number): void {
    const status = fraction < 1 ? percentage.format(fraction) : text("processing");
    this.#show({ state: "queued", fraction, status });
  }

  /** Shows that the upload waits for the user. */
  pause(): void {
    this.#show({ state: "paused", fraction: this.#fraction, status: text("paused"), mayRetry: true });
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

  #show({ state, fraction, status = "", error = "", mayRetry = false }: ShownState): void {
    const row = this.#row;
    this.#state = state;
    this.#fraction = fraction ?? 0;
    // A retry with the same idempotency key must send the same texts.
    row.caption.readOnly = row.alt.readOnly = true;
    row.shown.classList.add("locked");
    row.progress.hidden = fraction === undefined;
    row.progress.value = this.#fraction;
    row.status.hidden = status === "";
    row.status.textContent = status;
    row.error.textContent = error;
    const mayPause = state === "queued" && this.file.size > resumableFromBytes;
    if (!mayRetry && document.activeElement === row.again) (mayPause ? row.pause : row.remove).focus();
    if (!mayPause && document.activeElement === row.pause) (mayRetry ? row.again : row.remove).focus();
    row.again.textContent = text(state === "paused" ? "resume" : "tryAgain");
    row.again.hidden = !mayRetry;
    row.pause.hidden = !mayPause;
    this.on.changed();
  }
}

interface ShownState {
  readonly state: UploadState;
  readonly fraction?: number;
  readonly status?: string;
  readonly error?: string;
  readonly mayRetry?: boolean;
}

const percentage = new Intl.NumberFormat(language, { style: "percent" });
