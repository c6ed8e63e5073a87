import type { Post } from "./api.ts";
import { element } from "./element.ts";
import { Failure } from "./failures.ts";
import { account, onSession } from "./session.ts";
import { UploadItem } from "./upload-item.ts";
import { upload } from "./upload-request.ts";

/** The upload queue of the signed-in account. */
export interface Uploads {
  /** Shows a row for each file; the feed view includes it. */
  readonly list: HTMLElement;
  /** Adds files as drafts; each is sent once the user presses its Share button. */
  add(files: Iterable<File>): void;
  /** Called with each published post; set by the view that shows posts. */
  onPublished: (post: Post) => void;
}

/**
 * Creates an empty queue. It survives changes of view and an expired session, and resumes when the same account signs
 * in again. Signing out, or signing in to another account, aborts the running upload and discards every file.
 */
export function createUploads(): Uploads {
  const list = element("ul", { className: "uploads", attributes: { "aria-label": "Uploads" } });
  const items = new Set<UploadItem>();
  let owner = account();
  let running: { item: UploadItem; stop: AbortController } | undefined;

  const uploads: Uploads = {
    list,
    add(files) {
      const added = Array.from(files, (file) => new UploadItem(file, { share, remove }));
      for (const item of added) items.add(item);
      list.append(...added.map(({ shown }) => shown));
      added[0]?.focus();
    },
    onPublished: () => {},
  };

  function share(item: UploadItem): void {
    item.wait("Waiting…");
    void work();
  }

  function remove(item: UploadItem): void {
    items.delete(item);
    item.discard();
    if (running?.item === item) running.stop.abort();
  }

  const next = () => (account() === owner ? [...items].find(({ queued }) => queued) : undefined);

  /** Sends queued files one at a time, which suits slow mobile connections. */
  async function work(): Promise<void> {
    if (running) return;
    for (let item = next(); item; item = next()) {
      running = { item, stop: new AbortController() };
      const post = await upload(item, running.stop.signal).catch((failure: Error) => failed(item, failure));
      running = undefined;
      if (!post) continue;
      remove(item);
      uploads.onPublished(post);
    }
  }

  function failed(item: UploadItem, failure: Error): void {
    const { status } = failure instanceof Failure ? failure : { status: 0 };
    // A file stays queued when its upload was aborted or the session has expired.
    if (failure.name === "AbortError" || status === 401) return;
    item.fail(failure.message, { refused: status >= 400 && status < 500 });
  }

  onSession((change) => {
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
