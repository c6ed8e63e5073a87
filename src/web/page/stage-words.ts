import type { Post } from "./api.ts";
import { downloadOf } from "./download.ts";
import { button, element } from "./element.ts";
import type { Failure } from "./failures.ts";
import { icon } from "./icons.ts";
import { text } from "./texts/text.ts";

/** Creates what the large view shows in place of a photo or video. */
const stageWords = (words: string, ...actions: HTMLElement[]): HTMLElement =>
  element(
    "div",
    { className: "words" },
    element("p", { textContent: words, attributes: { role: "alert" } }),
    ...actions,
  );

/** Says why a file is not shown, and offers it for download. */
export function wordsWithDownload(words: string, post: Post): HTMLElement {
  const download = element("a", { className: "primary", ...downloadOf(post) });
  download.append(icon("download"), text("download"));
  return stageWords(words, download);
}

/**
 * Says why a post could not be loaded, and offers a way on.
 * @param again tries once more
 * @param leave goes back to the list
 */
export function wordsOfFailure(
  { status, message }: Failure,
  again: () => void,
  leave: () => void,
): HTMLElement {
  // 422 is the answer to what cannot be the id of a post.
  const isGone = status === 404 || status === 422;
  return isGone
    ? stageWords(text("postGone"), button(text("toPhotos"), leave))
    : stageWords(message, button(text("tryAgain"), again));
}
