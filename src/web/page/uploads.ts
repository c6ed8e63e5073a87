import type { Post } from "./api.ts";
import { Failure } from "./failures.ts";
import { notify } from "./notice.ts";
import { session } from "./session.ts";
import { text } from "./texts/text.ts";
import { checkInOrder } from "./upload-checks.ts";
import { UploadItem } from "./upload-item.ts";
import { createUploadPanel } from "./upload-panel.ts";
import { createPreviewer } from "./upload-preview.ts";
import { publishAs } from "./upload-publishing.ts";
import { mayRetry } from "./upload-request.ts";
import { createUploadRound } from "./upload-round.ts";

/** Uploads at a time: enough to fill the line while the service works on one file, and few enough for slow lines. */
const maxRunning = 2;

/** The upload queue of the signed-in account. */
export interface Uploads {
  /** The file chooser and a row for each file; the feed view includes it. */
  readonly panel: HTMLElement;
  /** Adds files as drafts; they are sent once the user presses the Share button. */
  add(files: Iterable<File>): void;
  /** Moves the focus to the file chooser. */
  focus(): void;
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
  const round = createUploadRound(items, panel);
  const on = { retry: queue, enter, remove: removeByUser, changed: round.show };

  function add(files: Iterable<File>): void {
    const added = Array.from(files, (file) => new UploadItem(file, on, makePicture));
    added.forEach((item) => items.add(item));
    panel.list.append(...added.map(({ shown }) => shown));
    round.show();
    // On touch screens, the focus would bring up the keyboard.
    if (matchMedia("(pointer: fine)").matches) added[0]?.focus();
    void checkAll(added);
  }

  /** Shows at once which files the service would refuse. Every file is checked again before it is sent. */
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

  /** Shares the only draft, or goes on to the next one. */
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
    round.show();
  }

  function removeByUser(item: UploadItem): void {
    const rows = [...items];
    const next = rows[rows.indexOf(item) + 1] ?? rows[rows.indexOf(item) - 1];
    remove(item);
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
        round.settle();
      });
    }
  }

  async function send(item: UploadItem, signal: AbortSignal): Promise<void> {
    try {
      const post = await publishAs(owner!, item, signal);
      round.shared(item);
      remove(item);
      for (const listener of published) listener(post);
    } catch (failure) {
      fail(item, failure as Error);
    }
  }

  function fail(item: UploadItem, failure: Error): void {
    // A file stays queued when its upload was aborted or the session has expired.
    if (failure.name === "AbortError" || (failure as Failure).status === 401)
      return items.has(item) ? item.wait(text("waiting")) : undefined;
    item.fail(failure.message, { mayRetry: failure instanceof Failure && mayRetry(failure) });
    if (!panel.shown.isConnected) notify(`${item.file.name}: ${failure.message}`);
  }

  session.onChange((change) => {
    const present = account();
    if (change === "signed out" || (present !== null && present !== owner)) {
      for (const item of [...items]) remove(item);
      round.reset();
      owner = present;
    } else if (present === null) running.forEach((stop) => stop.abort());
    else work();
  });
  return {
    panel: panel.shown,
    add,
    focus: panel.focus,
    onPublished(listener, signal) {
      published.add(listener);
      signal.addEventListener("abort", () => published.delete(listener));
    },
  };
}
