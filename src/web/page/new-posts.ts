import { button, element } from "./element.ts";

/** Pause between two checks for new posts. */
const pauseMs = 30_000;

/** The list of posts, as {@link announceNewPosts} uses it. */
export interface NewPostsOptions {
  /** Looks for new posts. @returns the message that announces them; undefined if there are none */
  find(): Promise<string | undefined>;
  /** Shows the posts that were found. */
  show(): void;
  readonly signal: AbortSignal;
}

/**
 * Creates a button that appears above a list when there are new posts. Looks for them every half minute while the list is
 * visible, and when the user comes back to the tab.
 */
export function announceNewPosts({ find, show, signal }: NewPostsOptions): HTMLElement {
  const announcement = element("div", { className: "new-posts", attributes: { role: "status" } });
  let isLooking = false;

  async function look(): Promise<void> {
    if (isLooking || document.hidden || !announcement.isConnected) return;
    isLooking = true;
    try {
      announce(await find());
    } catch {
      // The next look may succeed.
    } finally {
      isLooking = false;
    }
  }

  function announce(message: string | undefined): void {
    if (message === (announcement.textContent || undefined)) return;
    announcement.replaceChildren(
      ...(message === undefined ? [] : [button(message, press, { className: "primary" })]),
    );
  }

  function press(): void {
    announcement.replaceChildren();
    show();
  }

  const timer = setInterval(look, pauseMs);
  signal.addEventListener("abort", () => clearInterval(timer));
  document.addEventListener("visibilitychange", look, { signal });
  return announcement;
}
