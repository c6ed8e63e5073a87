import { closeSync } from "node:fs";

import { failureOf } from "./failures.ts";
import type { IgnoredKind } from "./file-names.ts";
import type { FoundFile } from "./found-file.ts";
import type { FileWork, Imported } from "./import-file.ts";
import { SourceError, type SourceFolder } from "./source-folder.ts";

/** Files that are open at a time. All are closed before the next ones are opened, see {@link importFiles}. */
const filesPerBatch = 32;

/** Files in a row that the media store may refuse before the import ends. */
const maxStoreFailures = 10;

/** Receives the outcome for each file. */
export interface ImportListener {
  done(file: FoundFile, imported: Imported): void;
  ignored(kind: IgnoredKind, path: string): void;
  refused(path: string, why: string): void;
}

/**
 * Works on files in their order, several at a time. After a failure of one file it goes on, unless the others would fail
 * for the same reason.
 *
 * The files of a batch are opened while no other work runs: opening may need other rights, which apply to the whole process,
 * and a file that is created at the same time would belong to the wrong user.
 * @param concurrency files at a time
 * @returns the reason why it ended before the last file, as a sentence; undefined if it did not, or the signal aborted
 */
export async function importFiles(
  source: SourceFolder,
  files: readonly FoundFile[],
  work: FileWork,
  listener: ImportListener,
  { concurrency, signal }: { concurrency: number; signal: AbortSignal },
): Promise<string | undefined> {
  let stopped: string | undefined;
  let storeFailures = 0;

  async function run(file: FoundFile, opened: number | SourceError): Promise<void> {
    try {
      if (opened instanceof SourceError) throw opened;
      const imported = await work({ path: file.path, caption: file.caption, descriptor: opened });
      listener.done(file, imported);
      // A file that is already there never reaches the store.
      if (imported.kind === "imported") storeFailures = 0;
    } catch (error) {
      if (signal.aborted) return;
      const failure = failureOf(error, file.path);
      if (failure.kind === "ignored") listener.ignored("other", file.path);
      else if (failure.kind === "refused") {
        listener.refused(file.path, failure.why);
        storeFailures = failure.isByStore ? storeFailures + 1 : storeFailures;
        if (storeFailures === maxStoreFailures) stopped = failure.why;
      } else stopped = failure.why;
    } finally {
      if (typeof opened === "number") closeSync(opened);
    }
  }

  for (let start = 0; start < files.length; start += filesPerBatch) {
    const batch = files.slice(start, start + filesPerBatch);
    const opened = source.open(batch.map(({ path }) => path));
    let next = 0;
    const runner = async () => {
      while (next < batch.length && stopped === undefined && !signal.aborted) {
        const index = next++;
        await run(batch[index]!, opened[index]!);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, runner));
    for (const rest of opened.slice(next)) if (typeof rest === "number") closeSync(rest);
    if (stopped !== undefined || signal.aborted) return stopped;
  }
  return undefined;
}
