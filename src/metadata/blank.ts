import type { StructureBudget } from "./structure-budget.ts";
import { InPlaceFile } from "./in-place-file.ts";
import type { Patches, Pass } from "./plan.ts";

/**
 * Applies the patches to the file at `path`, then the passes in order. Blocks the thread. After a failure the file is
 * only partly cleaned and must not be used.
 * @returns the size of the file afterwards, in bytes
 * @throws ApiError DAMAGED_MEDIA from a pass; file system errors
 */
export function blank(
  path: string,
  { zeros, writes }: Patches,
  passes: readonly Pass[],
  budget: StructureBudget,
): number {
  return InPlaceFile.edit(path, budget, (file) => {
    for (let index = 0; index < zeros.length; index += 2) {
      const [offset = 0, length = 0] = [zeros[index], zeros[index + 1]];
      file.wipe(offset, offset + length);
    }
    for (const { offset, bytes } of writes) file.write(offset, bytes);
    for (const pass of passes) pass(file);
    return file.size;
  });
}
