import { rm } from "node:fs/promises";

import { filesBeside } from "./files-beside.ts";
import type { UploadWith } from "./upload-form.ts";

/** Removes the temp files of an upload. The next start removes files that cannot be removed now. */
export async function discardStaged({
  file,
  thumbnail,
}: Pick<UploadWith<unknown>, "file" | "thumbnail">): Promise<void> {
  const path = file.name ?? "";
  const paths = [path, ...filesBeside(path), ...(thumbnail ? [thumbnail.file.name ?? ""] : [])];
  await Promise.allSettled(paths.map((file) => rm(file, { force: true })));
}
