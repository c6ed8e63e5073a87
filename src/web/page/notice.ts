import { byId } from "./element.ts";

const shownMs = 6000;

/** Shows messages above the page and its open dialogs. Clicks go through to what is behind. */
class Notice {
  #timer: ReturnType<typeof setTimeout> | undefined;

  show(message: string): void {
    const popover = byId("notice");
    clearTimeout(this.#timer);
    // Shown again, it is above dialogs that were opened since.
    if (popover.matches(":popover-open")) popover.hidePopover();
    popover.showPopover();
    // Afterwards, because screen readers announce changes of visible text.
    popover.textContent = message;
    this.#timer = setTimeout(() => popover.hidePopover(), shownMs);
  }
}

const notice = new Notice();

/** Shows a message for a few seconds; screen readers announce it. */
export const notify = (message: string): void => notice.show(message);
