import { byId, button, element } from "./element.ts";
import { text } from "./texts/text.ts";

/** What the panel shows about the whole queue. */
export interface UploadSummary {
  /** Number of files that the user has not shared yet. */
  readonly drafts: number;
  /** Number of files in the list. */
  readonly rows: number;
  /** Number of files of the batch that are shared, and of all its files. */
  readonly shared: number;
  readonly total: number;
  /** Fraction of the bytes of the batch sent so far, 0 to 1; undefined while nothing is being sent. */
  readonly fraction: number | undefined;
}

export interface UploadPanel {
  readonly shown: HTMLElement;
  readonly list: HTMLElement;
  /** Moves the focus to the button that opens the file chooser. */
  focus(): void;
  /** Opens the file chooser, where browsers allow it: in response to a click. */
  choose(): void;
  show(summary: UploadSummary): void;
}

/** Creates the button for the file chooser, the list of uploads and the button that shares them. */
export function createUploadPanel(on: {
  add: (files: Iterable<File>) => void;
  share: () => void;
}): UploadPanel {
  const input = element("input", {
    type: "file",
    multiple: true,
    accept: "image/*,video/*",
    hidden: true,
    id: "files",
  });
  input.addEventListener("change", () => {
    on.add(input.files ?? []);
    input.value = "";
  });
  const chooser = button(text("shareFiles"), () => input.click());
  const list = element("ul", { attributes: { "aria-label": text("uploads") } });
  const progress = element("progress", { max: 1, attributes: { "aria-label": text("uploads") } });
  const status = element("span", { attributes: { role: "status" } });
  const share = button("", on.share, { className: "primary" });
  const foot = element("div", { className: "row foot" }, status, progress, share);
  const uploads = element("div", { className: "uploads", hidden: true }, list, foot);
  // Visible in every view, unlike the panel.
  const strip = element("progress", {
    className: "strip",
    max: 1,
    hidden: true,
    attributes: { "aria-hidden": "true" },
  });
  byId("nav").before(strip);

  return {
    shown: element(
      "section",
      { className: "panel", attributes: { "aria-label": text("share") } },
      chooser,
      element("span", { className: "hint pointer-only", textContent: text("dropHint") }),
      element("span", { className: "hint touch-only", textContent: text("chooseHint") }),
      input,
      uploads,
    ),
    list,
    focus: () => chooser.focus(),
    choose() {
      chooser.focus();
      input.click();
    },
    show({ drafts, rows, shared, total, fraction }) {
      uploads.hidden = rows === 0;
      chooser.classList.toggle("primary", drafts === 0);
      const hadFocus = document.activeElement === share;
      share.hidden = drafts === 0;
      share.textContent = text(drafts === 1 ? "share" : "shareAll");
      if (hadFocus && share.hidden) chooser.focus();
      const message = fraction === undefined ? "" : text("sharedOf", { done: String(shared), count: total });
      // Screen readers announce it, so it is set only when it changes.
      if (status.textContent !== message) status.textContent = message;
      progress.hidden = strip.hidden = fraction === undefined;
      progress.value = strip.value = fraction ?? 0;
      foot.hidden = share.hidden && progress.hidden;
    },
  };
}
