import type { Post } from "./api.ts";
import { Failure } from "./failures.ts";
import { notify } from "./notice.ts";
import { session } from "./session.ts";
import { text } from "./texts/text.ts";
import { createUploadBatch } from "./upload-batch.ts";
import { checkInOrder } from "./upload-checks.ts";
import { UploadItem } from "./upload-item.ts";
import { cancelResumable, forgetUploads } from "./upload-resumable.ts";
import { createUploadPanel } from "./upload-panel.ts";
import { createPreviewer } from "./upload-preview.ts";
import { publishAs } from "./upload-publishing.ts";
import { mayRetry } from "./upload-request.ts";

/** Two uploads at a time keep the line busy while the service processes a file, and do not overload slow lines. */
const maxRunning = 2;

/** The upload queue of the signed-in account. */
export interface Uploads {
  /** The file chooser and a row for each file, shown in the feed. */
  readonly panel: HTMLElement;
  /** Adds files as drafts; they are sent once the user presses the Share button. */
  add(files: Iterable<File>): void;
  /** Opens the file chooser, in response to a click. */
  choose(): void;
  /** Calls the listener with each published post until the signal aborts. */
  onPublished(listener: (post: Post) => void, signal: AbortSignal): void;
}

/**
 * Creates an empty queue. It survives changes of view and an expired session, and resumes when the same account signs
 * in again. Signing out, or signing in to another account, aborts the running uploads and discards every file.
 */
export function createUploads(): Uploads {
  const items = new Set<UploadItem>();
  const running = new Map<UploadItem, AbortController>();
  const published = new Set<(post: Post) => void>();
  const makePicture = createPreviewer();
  const panel = createUploadPanel({ add, share });
  const account = () => session.account?.id ?? null;
  let owner = account();
  const batch = createUploadBatch(items, panel);
  const on = { retry: queue, enter, pause, remove: removeByUser, changed: batch.show };

  function add(files: Iterable<File>): void {
    const added = Array.from(files, (file) => new UploadItem(file, on, makePicture));
    added.forEach((item) => items.add(item));
    panel.list.append(...added.map(({ shown }) => shown));
    batch.show();
    // On touch screens, the focus would bring up the keyboard.
    if (matchMedia("(pointer: fine)").matches) added[0]?.focus();
    void checkAll(added);
  }

  /** Shows right away which files the service would refuse. Every file is checked again before it is sent. */
  function checkAll(added: readonly UploadItem[]): Promise<void> {
    const before = [...items].filter((item) => item.state !== "failed" && !added.includes(item));
    const bytes = before.reduce((sum, { file }) => sum + file.size, 0);
    return checkInOrder(added, bytes, (item, problem) => {
      if (item.state === "draft") item.fail(problem, { mayRetry: false });
    });
  }

  const drafts = () => [...items].filter(({ state }) => state === "draft");

  function share(): void {
    drafts().forEach(queue);
  }

  /** Shares the only draft, or moves the focus to the next one. */
  function enter(item: UploadItem): void {
    const all = drafts();
    if (all.length > 1) (all[all.indexOf(item) + 1] ?? panel).focus();
    else share();
  }

  function queue(item: UploadItem): void {
    item.wait(text("waiting"));
    work();
  }

  function remove(item: UploadItem): void {
    items.delete(item);
    item.discard();
    running.get(item)?.abort();
    batch.show();
  }

  function pause(item: UploadItem): void {
    item.pause();
    running.get(item)?.abort();
  }

  function removeByUser(item: UploadItem): void {
    const rows = [...items];
    const next = rows[rows.indexOf(item) + 1] ?? rows[rows.indexOf(item) - 1];
    remove(item);
    cancelResumable(item);
    (next ?? panel).focus();
  }

  const next = () =>
    owner !== null && account() === owner && !session.isRenewing
      ? [...items].find((item) => item.state === "queued" && !running.has(item))
      : undefined;

  function work(): void {
    for (let item = next(); item && running.size < maxRunning; item = next()) {
      const started = item;
      const stop = new AbortController();
      running.set(started, stop);
      void send(started, stop.signal).finally(() => {
        running.delete(started);
        work();
        batch.settle();
      });
    }
  }

  async function send(item: UploadItem, signal: AbortSignal): Promise<void> {
    try {
      const post = await publishAs(owner!, item, signal);
      batch.shared(item);
      remove(item);
      for (const listener of published) listener(post);
    } catch (failure) {
      fail(item, failure as Error);
    }
  }

  function fail(item: UploadItem, failure: Error): void {
    // The file stays queued if its upload was aborted or the session has expired.
    if (failure.name === "AbortError" || (failure as Failure).status === 401)
      return items.has(item) && item.state !== "paused" ? item.wait(text("waiting")) : undefined;
    item.fail(failure.message, { mayRetry: failure instanceof Failure && mayRetry(failure) });
    if (!panel.shown.isConnected) notify(`${item.file.name}: ${failure.message}`);
  }

  session.onChange((change) => {
    const current = account();
    if (change === "signed out" || (current !== null && current !== owner)) {
      for (const item of [...items]) remove(item);
      if (change === "signed out") forgetUploads();
      batch.reset();
      owner = current;
    } else if (current === null) running.forEach((stop) => stop.abort());
    else work();
  });
  return {
    panel: panel.shown,
    add,
    choose: panel.choose,
    onPublished(listener, signal) {
      published.add(listener);
      signal.addEventListener("abort", () => published.delete(listener));
    },
  };
}
