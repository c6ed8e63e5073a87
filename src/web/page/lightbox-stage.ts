import { api, type Post } from "./api.ts";
import { button, element } from "./element.ts";
import type { Failure } from "./failures.ts";
import { icon } from "./icons.ts";
import { largeMedia, type LargeMedia } from "./large-media.ts";
import { notify } from "./notice.ts";
import { nameOf } from "./post-actions.ts";
import { preload } from "./preload.ts";
import { downloadMessage, failureMessage } from "./stage-message.ts";
import { isTooLarge } from "./still.ts";
import { text } from "./texts/text.ts";
import { createZoomable } from "./zoomable.ts";

export interface StageOptions {
  /** A finger swiped to a neighbour. */
  swiped(step: number): void;
  /** The service has a new file for the post. */
  changed(post: Post): void;
  /** Closes the large view. */
  leave(): void;
  readonly signal: AbortSignal;
}

/** The part of the large view that shows the photo or video, or a message in its place, and its buttons. */
export function createStage({ swiped, changed, leave, signal }: StageOptions) {
  let shown: { readonly post: Post; readonly media: LargeMedia } | undefined;
  let isLoaded = false;
  let neighbours: readonly (Post | undefined)[] = [];
  const loading = element("p", { className: "status late", textContent: text("loading") });
  const content = element("div", { className: "stage" }, loading);
  const zoomButton = button("", () => zoomable.toggle(), { className: "zoom" });
  const originalButton = button(text("showOriginal"), () => showOriginal(true), { className: "original" });
  zoomButton.append(icon("zoom"));
  const zoomable = createZoomable(
    content,
    {
      swiped,
      scaled(neededPixels, isZoomed) {
        zoomButton.title = text(isZoomed ? "zoomOut" : "zoomIn");
        zoomButton.setAttribute("aria-label", zoomButton.title);
        const image = shown?.media.content;
        if (isZoomed && image instanceof HTMLImageElement && neededPixels > image.naturalWidth)
          void showOriginal(false);
      },
    },
    signal,
  );

  function updateButtons(): void {
    zoomButton.hidden = !shown?.media.size;
    originalButton.hidden = !shown?.media.hasMore();
  }

  async function showOriginal(isAsked: boolean): Promise<void> {
    const { media } = shown ?? {};
    if (!media?.hasMore()) return;
    const done = media.showOriginal();
    // The button is about to disappear, and the focus with it.
    if (document.activeElement === originalButton) zoomButton.focus();
    updateButtons();
    await done.catch(() => isAsked && !signal.aborted && notify(text("originalFailed")));
  }

  /** Shows a post. A file that is already shown stays, so that a video or a zoom is not interrupted. */
  function show(post: Post): void {
    if (shown?.post.id === post.id && (isLoaded || shown.post.display_url === post.display_url))
      return shown.media.setName(nameOf(post));
    end();
    isLoaded = false;
    if (post.file_type === "image" && post.display_url === post.url && isTooLarge(post))
      return say(downloadMessage(text("tooManyPixels"), post));
    const loaded = () => {
      isLoaded = true;
      preload(neighbours);
    };
    const media = largeMedia(post, () => void examine(post), loaded);
    shown = { post, media };
    content.replaceChildren(media.content);
    zoomable.reset(media.content, media.size);
    updateButtons();
  }

  /** Finds out why a file cannot be shown. */
  async function examine(post: Post): Promise<void> {
    try {
      const latest = await api.post(post.id);
      if (shown?.post !== post) return;
      if (latest.display_url !== post.display_url) return changed(latest);
      const cannot = post.file_type === "video" ? "cannotPlay" : "cannotShow";
      say(downloadMessage(text(latest.processing ? "stillInProgress" : cannot), post));
    } catch (failure) {
      if (shown?.post === post) explain(failure, () => show(post));
    }
  }

  /** Says why a post could not be loaded. @param again tries once more */
  const explain = (failure: unknown, again: () => void) =>
    say(failureMessage(failure as Failure, again, leave));

  function say(message: HTMLElement): void {
    end();
    content.replaceChildren(message);
  }

  function end(): void {
    shown?.media.end();
    shown = undefined;
    zoomable.reset(undefined);
    updateButtons();
  }

  updateButtons();
  return {
    content,
    buttons: [originalButton, zoomButton],
    show,
    explain,
    key: zoomable.key,
    end,
    /** Loads the neighbours' display sizes once the post itself is loaded. */
    preload(posts: readonly (Post | undefined)[]): void {
      neighbours = posts;
      if (isLoaded) preload(neighbours);
    },
  };
}
