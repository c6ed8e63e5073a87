// Limits shared by the service and the page. The page's bundle includes this file, so it must not import server code.

/** Length of a display name, in Unicode code points. */
export const maxNameLength = 50;

/** For how long, and for how many accounts, an invitation may be good. */
export const invitationLimits = { maxDays: 90, defaultDays: 7, maxUses: 1000, defaultUses: 1 } as const;

/** Length of a caption, in Unicode code points. */
export const maxCaptionLength = 2200;

/** Length of an alternative text, in Unicode code points. */
export const maxAltLength = 1500;

/** Length of the reason of a report, in Unicode code points. */
export const maxReasonLength = 500;

/** Size of the image that a client sends to be shown as poster or preview. */
export const maxThumbnailBytes = 10 * 1024 * 1024;

/** Longest side of a thumbnail in pixels. */
export const thumbnailLongSide = 640;
/** Shortest side of a thumbnail, where the image has more: panoramas would shrink to slivers otherwise. */
export const thumbnailShortSide = 320;
/** Longest side of a thumbnail whose short side is extended. */
export const panoramaLongSide = 1_600;
/** Longest side of a display size. */
export const displayLongSide = 2_048;

/** The `detail` of FILE_TOO_LARGE; {@link maxBytesOf} reads the limit from it. */
export const fileTooLargeDetail = (maxBytes: number): string =>
  `File too large: at most ${maxBytes} bytes are accepted`;

/** The limit in a `detail` from {@link fileTooLargeDetail}; undefined for any other text. */
export function maxBytesOf(detail: string): number | undefined {
  const [, digits] = /at most (\d+) bytes/.exec(detail) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** Sent in place of an email address that the viewer may not see. The original program sends it for a missing author. */
export const hiddenEmail = "Unknown";
