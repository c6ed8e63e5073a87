import { button, element } from "./element.ts";
import { session } from "./session.ts";
import { text } from "./texts/text.ts";

/** Creates the file chooser above the list of uploads. */
export function createUploadPanel(list: HTMLElement, add: (files: Iterable<File>) => void): HTMLElement {
  const input = element("input", {
    type: "file",
    multiple: true,
    accept: "image/*,video/*",
    hidden: true,
    id: "files",
  });
  input.addEventListener("change", () => {
    add(input.files ?? []);
    input.value = "";
  });
  return element(
    "section",
    { className: "panel", attributes: { "aria-label": text("share") } },
    button(text("shareFiles"), () => input.click(), { className: "primary" }),
    element("span", { className: "hint pointer-only", textContent: text("dropHint") }),
    input,
    list,
  );
}

/** Accepts files that are dropped or pasted anywhere on the page while a user is signed in, and shows the uploads. */
export function acceptFilesFrom(
  page: Document,
  { add, panel }: { add: (files: Iterable<File>) => void; panel: HTMLElement },
): void {
  const accept = (files: FileList | undefined) => {
    if (!session.account || !files?.length) return;
    add(files);
    if (!panel.isConnected) location.hash = "#/";
  };
  page.addEventListener("dragover", (event) => {
    event.preventDefault();
    page.body.classList.add("dropping");
  });
  page.addEventListener(
    "dragleave",
    ({ relatedTarget }) => !relatedTarget && page.body.classList.remove("dropping"),
  );
  page.addEventListener("drop", (event) => {
    event.preventDefault();
    page.body.classList.remove("dropping");
    accept(event.dataTransfer?.files);
  });
  page.addEventListener("paste", (event) => accept(event.clipboardData?.files));
}
