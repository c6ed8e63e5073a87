import { button, element } from "./element.ts";
import { icon, type IconName } from "./icons.ts";
import { text } from "./texts/text.ts";

export interface FrameActions {
  /** @param step 1 to the next post, -1 to the one before */
  move(step: number): void;
  leave(): void;
}

/** Creates the dialog of the large view, around its stage. */
export function createFrame(
  stage: { readonly content: HTMLElement; readonly buttons: readonly HTMLElement[] },
  { move, leave }: FrameActions,
) {
  const previous = control(text("previous"), "previous", () => move(-1));
  const next = control(text("next"), "next", () => move(1));
  const position = element("p", {
    className: "position",
    attributes: { "aria-live": "polite", "aria-atomic": "true" },
  });
  const menu = element("div");
  const details = element("div", { className: "details" });
  const close = control(text("close"), "close", leave);
  const dialog = element(
    "dialog",
    // The dialog itself has the focus first; its accessible name is the post's.
    { className: "lightbox", tabIndex: -1, attributes: { "aria-label": text("photo") } },
    element("div", { className: "controls" }, position, ...stage.buttons, menu, close),
    previous,
    next,
    stage.content,
    details,
  );
  let announced = "";
  return {
    dialog,
    previous,
    next,
    menu,
    details,
    /** Shows the position. Screen readers announce it once, with the post's name. */
    setPosition(place: string, name: string): void {
      if (announced === place + name) return;
      announced = place + name;
      position.replaceChildren(place, element("span", { className: "unseen", textContent: ` ${name}` }));
    },
  };
}

/** Creates a button with an icon. Its style class is the name of the icon. */
function control(label: string, shape: IconName, onClick: () => void): HTMLButtonElement {
  const created = button("", onClick, {
    className: shape,
    title: label,
    attributes: { "aria-label": label },
  });
  created.append(icon(shape));
  return created;
}
