import { parse } from "node:path";

import { extensionOf } from "../file-extension.ts";
import { kindOfName } from "../media-types.ts";
import { unsupportedMediaExtensions } from "../uploads/unsupported-formats.ts";

/** The kinds of files that are left out, as the report names them. None is a photo or video that its owner would miss. */
export const ignoredKinds = {
  hidden: "hidden and system files",
  sidecar: "captions, edits and lists of an export",
  link: "symbolic links and special files",
  deleted: "deleted or hidden before the export",
  other: "neither photos nor videos",
} as const;

export type IgnoredKind = keyof typeof ignoredKinds;

/** Files that systems leave beside photos, in lower case. */
const systemFiles = new Set(["thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini", "zbthumbnail.info"]);

/** Folders that systems create, in lower case: thumbnails of a NAS, resource forks, waste baskets. */
const systemFolders = new Set([
  "@eadir",
  "#recycle",
  "__macosx",
  "$recycle.bin",
  "system volume information",
  "lost+found",
]);

/** iCloud exports the photos in its waste basket, too. */
const deletedFolder = "recently deleted";

/** Extensions of files that describe photos: captions, edits, thumbnails of cameras. */
const sidecarExtensions = new Set(["json", "xmp", "aae", "csv", "thm"]);

/** Whether to leave out a file because of its name. */
export function ignoredFile(name: string): IgnoredKind | undefined {
  if (name.startsWith(".") || systemFiles.has(name.toLowerCase())) return "hidden";
  return sidecarExtensions.has(extensionOf(name)) ? "sidecar" : undefined;
}

/** Whether to leave out a folder because of its name and that of the folder it is in. */
export function ignoredFolder(name: string, parent: string): IgnoredKind | undefined {
  const lower = name.toLowerCase();
  if (lower === deletedFolder) return "deleted";
  // The library of Apple Photos also holds thumbnails and other copies of the originals.
  const isCopies = parent.toLowerCase().endsWith(".photoslibrary") && !/^(originals|masters)$/.test(lower);
  return name.startsWith(".") || systemFolders.has(lower) || isCopies ? "hidden" : undefined;
}

/** Whether a file has the extension of a photo or video. The report lists such a file if it cannot be imported. */
export const hasMediaExtension = (name: string): boolean =>
  kindOfName(name) !== undefined || unsupportedMediaExtensions.has(extensionOf(name));

/** Whether a file has the extension of a video, and so no EXIF data. */
export const hasVideoExtension = (name: string): boolean => kindOfName(name) === "video";

/** Returns a file's name without its extension. */
export const stemOf = (name: string): string => parse(name).name;
