import { session } from "./session.ts";

/** Accepts files that are dropped or pasted anywhere on the page while a user is signed in, and shows the uploads. */
export function acceptFilesFrom(
  page: Document,
  { add, panel }: { add: (files: Iterable<File>) => void; panel: HTMLElement },
): void {
  const { classList } = page.body;
  const accept = (files: FileList) => {
    if (!session.account || files.length === 0) return;
    add(files);
    if (!panel.isConnected) location.hash = "#/";
  };
  page.addEventListener("dragover", (event) => {
    // Ignore selected text and pictures of the page itself.
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    classList.toggle("dropping", session.account !== null);
  });
  page.addEventListener("dragleave", ({ relatedTarget }) => !relatedTarget && classList.remove("dropping"));
  page.addEventListener("drop", (event) => {
    const { files } = event.dataTransfer ?? {};
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    classList.remove("dropping");
    accept(files!);
  });
  page.addEventListener("paste", ({ clipboardData, target }) => {
    // Office programs add a picture of copied text.
    const isText =
      clipboardData?.types.includes("text/plain") &&
      target instanceof Element &&
      target.matches("input, textarea");
    if (clipboardData && !isText) accept(clipboardData.files);
  });
}
