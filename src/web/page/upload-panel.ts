import { element } from "./element.ts";
import { token } from "./session.ts";
import type { Uploads } from "./uploads.ts";

/** The file chooser and the list of uploads. */
export function uploadPanel({ add, list }: Uploads): HTMLElement {
  const input = element("input", {
    type: "file",
    multiple: true,
    accept: "image/*,video/*",
    className: "unseen",
    id: "files",
  });
  input.addEventListener("change", () => {
    add(input.files ?? []);
    input.value = "";
  });
  const choose = element("button", {
    type: "button",
    className: "primary",
    textContent: "Share photos or videos",
  });
  choose.addEventListener("click", () => input.click());
  return element(
    "section",
    { className: "panel", attributes: { "aria-label": "Share" } },
    choose,
    element("span", { className: "hint pointer-only", textContent: "or drop or paste them anywhere" }),
    input,
    list,
  );
}

/** Accepts files that are dropped or pasted anywhere on the page while a user is signed in, and shows the list of uploads. */
export function acceptFilesFrom(page: Document, { add, list }: Uploads): void {
  const accept = (files: FileList | undefined) => {
    if (!token() || !files?.length) return;
    add(files);
    if (!list.isConnected) location.hash = "#/";
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
