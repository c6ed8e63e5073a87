/** Every kind of file the service takes, and nothing else. The extension is the one its key gets. */
export const mediaTypes = {
  "image/jpeg": { kind: "image", extension: "jpg" },
  "image/png": { kind: "image", extension: "png" },
  "image/gif": { kind: "image", extension: "gif" },
  "image/webp": { kind: "image", extension: "webp" },
  "image/avif": { kind: "image", extension: "avif" },
  "image/heic": { kind: "image", extension: "heic" },
  "video/mp4": { kind: "video", extension: "mp4" },
  "video/quicktime": { kind: "video", extension: "mov" },
  "video/webm": { kind: "video", extension: "webm" },
  "video/matroska": { kind: "video", extension: "mkv" },
  "video/x-msvideo": { kind: "video", extension: "avi" },
  "video/3gpp": { kind: "video", extension: "3gp" },
  "video/mpeg": { kind: "video", extension: "mpg" },
} as const satisfies Record<string, { kind: "image" | "video"; extension: string }>;

export type MediaType = keyof typeof mediaTypes;
export type MediaKind = (typeof mediaTypes)[MediaType]["kind"];
