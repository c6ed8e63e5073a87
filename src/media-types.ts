import { extensionOf } from "./file-extension.ts";

/**
 * The file types that the service accepts, by content type. People read `name`. Keys use `extension`; file names may also
 * end with one of `otherExtensions`.
 */
export const mediaTypes = {
  "image/jpeg": { kind: "image", name: "JPEG", extension: "jpg", otherExtensions: ["jpeg", "jpe", "jfif"] },
  "image/png": { kind: "image", name: "PNG", extension: "png", otherExtensions: ["apng"] },
  "image/gif": { kind: "image", name: "GIF", extension: "gif", otherExtensions: [] },
  "image/webp": { kind: "image", name: "WebP", extension: "webp", otherExtensions: [] },
  "image/avif": { kind: "image", name: "AVIF", extension: "avif", otherExtensions: ["avifs"] },
  "image/heic": {
    kind: "image",
    name: "HEIC",
    extension: "heic",
    otherExtensions: ["heif", "hif", "heics", "heifs"],
  },
  "video/mp4": { kind: "video", name: "MP4", extension: "mp4", otherExtensions: ["m4v"] },
  "video/quicktime": { kind: "video", name: "MOV", extension: "mov", otherExtensions: ["qt"] },
  "video/webm": { kind: "video", name: "WebM", extension: "webm", otherExtensions: [] },
  "video/matroska": { kind: "video", name: "MKV", extension: "mkv", otherExtensions: [] },
  "video/x-msvideo": { kind: "video", name: "AVI", extension: "avi", otherExtensions: [] },
  "video/3gpp": { kind: "video", name: "3GP", extension: "3gp", otherExtensions: ["3gpp", "3g2"] },
  "video/mpeg": {
    kind: "video",
    name: "MPEG",
    extension: "mpg",
    otherExtensions: ["mpeg", "mpe", "m2p", "vob"],
  },
} as const satisfies Record<
  string,
  { kind: "image" | "video"; name: string; extension: string; otherExtensions: readonly string[] }
>;

/** MPEG transport streams, which are accepted only if ffmpeg can turn them into MP4s. AVCHD camcorders record MTS. */
export const transportStreams = { kind: "video", name: "MTS", extensions: ["mts", "m2ts", "ts"] } as const;

export type MediaType = keyof typeof mediaTypes;
export type MediaKind = (typeof mediaTypes)[MediaType]["kind"];

const typesByExtension: ReadonlyMap<string, MediaType> = new Map(
  Object.entries(mediaTypes).flatMap(([type, { extension, otherExtensions }]) =>
    [extension, ...otherExtensions].map((each) => [each, type as MediaType] as const),
  ),
);

/** Returns the type that the extension of a file's name stands for; undefined for any other name. */
export const typeOfName = (name: string): MediaType | undefined => typesByExtension.get(extensionOf(name));

/** Returns the kind of file that the extension of a name stands for; undefined for any other name. */
export function kindOfName(name: string): MediaKind | undefined {
  const type = typeOfName(name);
  if (type) return mediaTypes[type].kind;
  const extensions: readonly string[] = transportStreams.extensions;
  return extensions.includes(extensionOf(name)) ? transportStreams.kind : undefined;
}

/** What a service accepts in addition to {@link mediaTypes}. */
export interface AcceptedMedia {
  /** Whether it accepts {@link transportStreams}. */
  readonly transportStreams: boolean;
}

/** Lists the accepted formats of a kind for people, such as "JPEG, PNG". */
export function formatNames(kind: MediaKind, accepted: AcceptedMedia): string {
  const formats = [...Object.values(mediaTypes), ...(accepted.transportStreams ? [transportStreams] : [])];
  return formats.flatMap((format) => (format.kind === kind ? [format.name] : [])).join(", ");
}

/** The `detail` of UNSUPPORTED_MEDIA. `as const` keeps the type of all details from widening to any text. */
export const unsupportedDetail = (accepted: AcceptedMedia) =>
  `Only images (${formatNames("image", accepted)}) and videos (${formatNames("video", accepted)}) can be shared` as const;

/** The `detail` of UNSUPPORTED_MEDIA for a file of an accepted format that holds no picture, such as an MP4 with sound only. */
export const noPictureDetail = "Files without a picture cannot be shared";
/** The `detail` of UNSUPPORTED_MEDIA for a transport stream that ffmpeg cannot put into an MP4. */
export const unsupportedCodecsDetail =
  "MPEG transport streams with these codecs cannot be shared; save the video as MP4";

export const isMediaType = (type: string): type is MediaType => Object.hasOwn(mediaTypes, type);
