import { notify } from "./notice.ts";
import { text } from "./texts/text.ts";
import type { UploadItem } from "./upload-item.ts";
import type { UploadPanel } from "./upload-panel.ts";

/**
 * Counts the uploads of a batch, which lasts until no file is queued any more, and shows its progress. While files are
 * queued, the browser warns users who leave the page.
 * @param items the files in the list
 */
export function createUploadBatch(items: ReadonlySet<UploadItem>, panel: UploadPanel) {
  let files = 0;
  let bytes = 0;

  const warn = (event: BeforeUnloadEvent) => event.preventDefault();

  function show(): void {
    const queued = [...items].filter(({ state }) => state === "queued");
    // With such a listener, browsers do not keep the page for the Back button.
    (queued.length > 0 ? addEventListener : removeEventListener)("beforeunload", warn);
    const all = queued.reduce((sum, { file }) => sum + file.size, bytes);
    const sent = queued.reduce((sum, { file, fraction }) => sum + file.size * fraction, bytes);
    panel.show({
      drafts: [...items].filter(({ state }) => state === "draft").length,
      rows: items.size,
      shared: files,
      total: files + queued.length,
      fraction: queued.length === 0 ? undefined : sent / all,
    });
  }

  function reset(): void {
    files = bytes = 0;
    show();
  }

  return {
    /** Shows the current state. */
    show,
    /** Counts a successful upload. */
    shared({ file }: UploadItem): void {
      files++;
      bytes += file.size;
    },
    /** Ends the batch with a message if no file is queued any more. */
    settle(): void {
      if (files === 0 || [...items].some(({ state }) => state === "queued")) return;
      notify(text("shared", { count: files }));
      reset();
    },
    /** Ends the batch without a message. */
    reset,
  };
}
