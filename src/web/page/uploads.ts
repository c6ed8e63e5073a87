import type { Post } from "./api.ts";
import { element } from "./element.ts";
import { Failure } from "./failures.ts";
import { session } from "./session.ts";
import { text } from "./texts/text.ts";
import { UploadItem } from "./upload-item.ts";
import { createUploadPanel } from "./upload-panel.ts";
import { upload } from "./upload-request.ts";

/** The upload queue of the signed-in account. */
export interface Uploads {
  /** The file chooser and a row for each file; the feed view includes it. */
  readonly panel: HTMLElement;
  /** Adds files as drafts; each is sent once the user presses its Share button. */
  add(files: Iterable<File>): void;
  /** Moves the focus to the file chooser. */
  focus(): void;
  /** Calls the listener with each published post until the signal aborts. */
  onPublished(listener: (post: Post) => void, signal: AbortSignal): void;
}

/**
 * Creates an empty queue. It survives changes of view and an expired session, and resumes when the same account signs
 * in again. Signing out, or signing in to another account, aborts the running upload and discards every file.
 */
export function createUploads(): Uploads {
  const list = element("ul", { className: "uploads", attributes: { "aria-label": text("uploads") } });
  const items = new Set<UploadItem>();
  const account = () => session.account?.id ?? null;
  const published = new Set<(post: Post) => void>();
  let owner = account();
  let running: { item: UploadItem; stop: AbortController } | undefined;

  const uploads: Uploads = {
    panel: createUploadPanel(list, add),
    add,
    focus: () => uploads.panel.querySelector("button")?.focus(),
    onPublished(listener, signal) {
      published.add(listener);
      signal.addEventListener("abort", () => published.delete(listener));
    },
  };

  function add(files: Iterable<File>): void {
    const added = Array.from(files, (file) => new UploadItem(file, { share, remove }));
    for (const item of added) items.add(item);
    list.append(...added.map(({ shown }) => shown));
    added[0]?.focus();
  }

  function share(item: UploadItem): void {
    item.wait(text("waiting"));
    void work();
  }

  function remove(item: UploadItem): void {
    items.delete(item);
    item.discard();
    if (running?.item === item) running.stop.abort();
  }

  const next = () =>
    account() === owner && !session.isRenewing ? [...items].find(({ queued }) => queued) : undefined;

  /** Sends queued files one at a time, which suits slow mobile connections. */
  async function work(): Promise<void> {
    if (running) return;
    for (let item = next(); item; item = next()) {
      running = { item, stop: new AbortController() };
      const post = await upload(item, running.stop.signal).catch((failure: Error) => failed(item, failure));
      running = undefined;
      if (!post) continue;
      remove(item);
      for (const listener of published) listener(post);
    }
  }

  function failed(item: UploadItem, failure: Error): void {
    const { status } = failure instanceof Failure ? failure : { status: 0 };
    // A file stays queued when its upload was aborted or the session has expired.
    if (failure.name === "AbortError" || status === 401) return;
    item.fail(failure.message, { refused: status >= 400 && status < 500 });
  }

  session.onChange((change) => {
    const present = account();
    if (change === "signed out" || (present !== null && present !== owner)) {
      for (const item of [...items]) remove(item);
      owner = present;
    } else if (present === null) {
      running?.stop.abort();
    } else void work();
  });
  return uploads;
}
