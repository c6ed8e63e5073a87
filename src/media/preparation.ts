import { ApiError, ValidationProblems } from "../errors.ts";
import { removeMetadata } from "./privacy/remove-metadata.ts";
import type { StagedUpload } from "./staging.ts";
import type { StorableFile } from "./store.ts";
import { makeThumbnail, maxPixels } from "./thumbnails.ts";

/** A staged file as it may be stored and shown. */
export interface PreparedMedia {
  readonly file: StorableFile;
  /** As shown, turned by its orientation; null where the file does not tell. */
  readonly size: { readonly width: number; readonly height: number } | null;
  /** A small picture; undefined for a video, where none was wanted, or where there can be none. */
  readonly thumbnail: StorableFile | undefined;
}

/**
 * Makes a staged file fit to be stored: takes out what its maker did not mean to share, and looks at what is left.
 * @param options whether a thumbnail is wanted; it lies beside the file and is removed with it
 * @throws ApiError DAMAGED_MEDIA, UNSUPPORTED_MEDIA for a video container without a picture; ValidationProblems for an
 * image of too many pixels
 */
export async function prepareMedia(
  { file, facts }: StagedUpload,
  options: { thumbnail: boolean },
): Promise<PreparedMedia> {
  const path = file.name ?? "";
  const { bytes, size, hasPicture, orientation } = await removeMetadata(path, facts.type);
  if (!hasPicture) throw new ApiError("UNSUPPORTED_MEDIA");
  if (facts.kind === "image" && size && size.width * size.height > maxPixels) {
    const msg = `Value error, the image has more than ${maxPixels / 1e6} million pixels`;
    throw new ValidationProblems([{ type: "value_error", loc: ["body", "file"], msg }]);
  }
  const thumbnail =
    options.thumbnail && facts.kind === "image"
      ? await makeThumbnail(path, facts.type, orientation)
      : undefined;
  // A fresh BunFile: the old one may remember the size before cleaning.
  return { file: { file: Bun.file(path), contentType: facts.type, bytes }, size, thumbnail };
}
