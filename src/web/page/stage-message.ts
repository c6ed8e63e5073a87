import type { Post } from "./api.ts";
import { downloadOf } from "./download.ts";
import { button, element } from "./element.ts";
import type { Failure } from "./failures.ts";
import { icon } from "./icons.ts";
import { text } from "./texts/text.ts";

/** Creates the message that the large view shows in place of a photo or video. */
const stageMessage = (message: string, ...actions: HTMLElement[]): HTMLElement =>
  element(
    "div",
    { className: "message" },
    element("p", { textContent: message, attributes: { role: "alert" } }),
    ...actions,
  );

/** Says why a file is not shown, with a link to download it. */
export function downloadMessage(message: string, post: Post): HTMLElement {
  const download = element("a", { className: "primary", ...downloadOf(post) });
  download.append(icon("download"), text("download"));
  return stageMessage(message, download);
}

/**
 * Says why a post could not be loaded, with a button that helps.
 * @param again tries once more
 * @param leave goes back to the list
 */
export function failureMessage(
  { status, message }: Failure,
  again: () => void,
  leave: () => void,
): HTMLElement {
  // The service answers 422 if the address contains no valid id.
  const isGone = status === 404 || status === 422;
  return isGone
    ? stageMessage(text("postGone"), button(text("toPhotos"), leave))
    : stageMessage(message, button(text("tryAgain"), again));
}
