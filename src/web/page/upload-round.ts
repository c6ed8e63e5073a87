import { notify } from "./notice.ts";
import { text } from "./texts/text.ts";
import type { UploadItem } from "./upload-item.ts";
import type { UploadPanel } from "./upload-panel.ts";

/**
 * Counts the uploads from the first that is queued to the last that ends, shows their progress, and warns the user who
 * leaves the page meanwhile.
 * @param items the files in the list
 */
export function createUploadRound(items: ReadonlySet<UploadItem>, panel: UploadPanel) {
  let files = 0;
  let bytes = 0;

  const warn = (event: BeforeUnloadEvent) => event.preventDefault();

  function show(): void {
    const queued = [...items].filter(({ state }) => state === "queued");
    // With a listener, the browser does not keep the page for the Back button.
    (queued.length > 0 ? addEventListener : removeEventListener)("beforeunload", warn);
    const all = queued.reduce((sum, { file }) => sum + file.size, bytes);
    const sent = queued.reduce((sum, { file, part }) => sum + file.size * part, bytes);
    panel.show({
      drafts: [...items].filter(({ state }) => state === "draft").length,
      rows: items.size,
      shared: files,
      total: files + queued.length,
      part: queued.length === 0 ? undefined : sent / all,
    });
  }

  function reset(): void {
    files = bytes = 0;
    show();
  }

  return {
    /** Shows the present state. */
    show,
    /** Counts an upload that has ended well. */
    shared({ file }: UploadItem): void {
      files++;
      bytes += file.size;
    },
    /** Tells the user once nothing is queued any more. */
    settle(): void {
      if (files === 0 || [...items].some(({ state }) => state === "queued")) return;
      notify(text("shared", { count: files }));
      reset();
    },
    /** Forgets what was counted. */
    reset,
  };
}
