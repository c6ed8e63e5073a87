import { extensionOf } from "./file-extension.ts";

/**
 * The file types that the service accepts. Keys use `extension`; file names may also end with one of `otherExtensions`.
 */
export const mediaTypes = {
  "image/jpeg": { kind: "image", extension: "jpg", otherExtensions: ["jpeg", "jpe", "jfif"] },
  "image/png": { kind: "image", extension: "png", otherExtensions: ["apng"] },
  "image/gif": { kind: "image", extension: "gif", otherExtensions: [] },
  "image/webp": { kind: "image", extension: "webp", otherExtensions: [] },
  "image/avif": { kind: "image", extension: "avif", otherExtensions: ["avifs"] },
  "image/heic": { kind: "image", extension: "heic", otherExtensions: ["heif", "hif", "heics", "heifs"] },
  "video/mp4": { kind: "video", extension: "mp4", otherExtensions: ["m4v"] },
  "video/quicktime": { kind: "video", extension: "mov", otherExtensions: ["qt"] },
  "video/webm": { kind: "video", extension: "webm", otherExtensions: [] },
  "video/matroska": { kind: "video", extension: "mkv", otherExtensions: [] },
  "video/x-msvideo": { kind: "video", extension: "avi", otherExtensions: [] },
  "video/3gpp": { kind: "video", extension: "3gp", otherExtensions: ["3gpp", "3g2"] },
  "video/mpeg": { kind: "video", extension: "mpg", otherExtensions: ["mpeg", "mpe", "m2p", "vob"] },
} as const satisfies Record<
  string,
  { kind: "image" | "video"; extension: string; otherExtensions: readonly string[] }
>;

export type MediaType = keyof typeof mediaTypes;
export type MediaKind = (typeof mediaTypes)[MediaType]["kind"];

const typesByExtension: ReadonlyMap<string, MediaType> = new Map(
  Object.entries(mediaTypes).flatMap(([type, { extension, otherExtensions }]) =>
    [extension, ...otherExtensions].map((each) => [each, type as MediaType] as const),
  ),
);

/** Returns the type that the extension of a file's name stands for; undefined for any other name. */
export const typeOfName = (name: string): MediaType | undefined => typesByExtension.get(extensionOf(name));

export const isMediaType = (type: string): type is MediaType => Object.hasOwn(mediaTypes, type);
