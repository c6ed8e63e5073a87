import { byId } from "./element.ts";

const shownMs = 6000;

/** Shows messages at the top of the page, above open dialogs. Clicks go through to what is behind. */
class Notice {
  #timer: ReturnType<typeof setTimeout> | undefined;

  show(message: string): void {
    const strip = byId("notice");
    clearTimeout(this.#timer);
    // Again, so that it is above a dialog that was opened meanwhile.
    if (strip.matches(":popover-open")) strip.hidePopover();
    strip.showPopover();
    // Afterwards, because screen readers announce changes of what is shown.
    strip.textContent = message;
    this.#timer = setTimeout(() => strip.hidePopover(), shownMs);
  }
}

const notice = new Notice();

/** Shows a message for a few seconds; screen readers announce it. */
export const notify = (message: string): void => notice.show(message);
