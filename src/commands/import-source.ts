import { realpathSync, statSync } from "node:fs";
import { isAbsolute, relative } from "node:path";

import type { Config } from "../config/config.ts";
import { codeOf } from "../disk-errors.ts";
import { SourceFolder } from "../folder-import/source-folder.ts";
import { CommandError } from "./command-error.ts";
import type { DataFolderAccess } from "./data-folder-access.ts";

/**
 * Opens the folder to import, with the rights that the command was started with.
 * @param path absolute
 * @throws CommandError unless the path is that of a folder that neither contains the data folder nor is inside it
 */
export function openSource(path: string, { dataDir }: Config, access: DataFolderAccess): SourceFolder {
  const { root, dataRoot } = access.outside(() => {
    try {
      const root = realpathSync(path);
      if (!statSync(root).isDirectory()) throw new CommandError(`${path} is not a folder.`);
      return { root, dataRoot: realpathSync(dataDir) };
    } catch (error) {
      if (error instanceof CommandError) throw error;
      const code = codeOf(error);
      throw new CommandError(
        code === "ENOENT" ? `There is no folder ${path}.` : `The folder ${path} cannot be read (${code}).`,
      );
    }
  });
  if (isInside(root, dataRoot) || isInside(dataRoot, root))
    throw new CommandError(
      `${path} contains the data folder ${dataDir}, or is inside it. Import another folder.`,
    );
  return new SourceFolder(root, access.outside);
}

function isInside(inner: string, outer: string): boolean {
  const path = relative(outer, inner);
  return !isAbsolute(path) && !/^\.\.(?:[/\\]|$)/.test(path);
}
