import { cannotExecuteStatus, type ProgramEnd } from "../../concurrency/limited-program.ts";

/**
 * Why a video was not converted:
 * - `unsupported`: it has no picture, or a codec that this ffmpeg cannot decode, encode or keep
 * - `damaged`: ffmpeg cannot read it
 * - `costly`: it takes more processor time or memory than a job may, or its rendition would be too large
 * - `interrupted`: the machine was at fault: the process was killed or not started, the disk failed, time ran out while
 *   other programs had the processor
 */
type VideoErrorReason = "unsupported" | "damaged" | "costly" | "interrupted";

/** The error of a conversion that did not succeed. Its output does not exist. */
export class VideoError extends Error {
  override readonly name = "VideoError";
  /** @param detail for the log; it may contain text from the video, so clients must not see it */
  constructor(
    readonly reason: VideoErrorReason,
    readonly detail: string,
  ) {
    super(`${reason}: ${detail}`);
  }

  /** Whether the same video may be converted by another attempt. */
  get isTemporary(): boolean {
    return this.reason === "interrupted";
  }
}

/** Messages of ffmpeg, and of the C library without a locale, with the reason that they reveal. */
const messages: readonly [pattern: RegExp, reason: VideoErrorReason][] = [
  [/No space left on device|Disk quota exceeded|Input\/output error|Stale file handle/, "interrupted"],
  [/Too many open files in system|Resource temporarily unavailable|Read-only file system/, "interrupted"],
  [/File too large/, "costly"],
  [/Cannot allocate memory|malloc of size \d+ failed|Failed to allocate/, "costly"],
  [
    /not on whitelist|Decoder not found|Unknown decoder|no decoder found|codec not currently supported/i,
    "unsupported",
  ],
];

/** Ends that are not the video's fault. */
const interruptions: readonly ProgramEnd["end"][] = ["clock", "killed", "unread"];

/** ffmpeg's exit status after SIGINT or SIGTERM. It has then finished the file it had begun. */
const interruptedStatus = 255;

/** Explains the end of ffmpeg or ffprobe; undefined if it was successful. */
export function failureOf({ end, status, errorOutput }: ProgramEnd): VideoError | undefined {
  const detail = `${end}${status === null ? "" : ` with status ${status}`}: ${errorOutput.trim()}`;
  if (interruptions.includes(end) || status === interruptedStatus || status === cannotExecuteStatus)
    return new VideoError("interrupted", detail);
  if (end === "processor time") return new VideoError("costly", detail);
  const [, reason] = messages.find(([pattern]) => pattern.test(errorOutput)) ?? [];
  // ffmpeg may succeed in spite of a failed write.
  if (reason === "interrupted" || (reason === "costly" && /File too large/.test(errorOutput)))
    return new VideoError(reason, detail);
  return status === 0 ? undefined : new VideoError(reason ?? "damaged", detail);
}
