import { notify } from "./notice.ts";
import { session } from "./session.ts";
import { text } from "./texts/text.ts";

/** How long files wait for an account. Later, another user may sign in. */
const maxWaitMs = 10 * 60_000;

/**
 * Accepts the files with which the device's share sheet has opened the page; its service worker hands them over. They
 * become drafts of the signed-in account. While no account is signed in, they wait for the next one, in this tab only and
 * for a limited time.
 * @param started resolves once the session is known
 */
export function acceptSharedFiles(add: (files: File[]) => void, started: Promise<void>): void {
  const { serviceWorker } = navigator;
  // Only secure contexts have service workers, and without one the page is no share target.
  if (!serviceWorker) return;
  let waiting: File[] = [];

  function accept(): void {
    if (!session.account || waiting.length === 0) return;
    add(waiting);
    waiting = [];
  }

  serviceWorker.addEventListener("message", async ({ data }: MessageEvent<File[]>) => {
    waiting = data;
    await started;
    accept();
    if (waiting.length === 0) return;
    notify(text("filesWait", { count: waiting.length }));
    setTimeout(() => (waiting = []), maxWaitMs);
  });
  session.onChange(accept);
  serviceWorker.startMessages();
  serviceWorker.controller?.postMessage("ready");
}
