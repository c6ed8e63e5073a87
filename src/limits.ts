// Limits shared by the service and the page. The page's bundle includes this file, so it must not import server code.

/** Length of a caption, in Unicode code points. */
export const maxCaptionLength = 2200;

/** The `detail` of FILE_TOO_LARGE; {@link maxBytesOf} reads the limit from it. */
export const fileTooLargeDetail = (maxBytes: number): string =>
  `File too large: at most ${maxBytes} bytes are accepted`;

/** The limit in a `detail` from {@link fileTooLargeDetail}; undefined for any other text. */
export function maxBytesOf(detail: string): number | undefined {
  const [, digits] = /at most (\d+) bytes/.exec(detail) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
