import { maxCaptionLength } from "../limits.ts";

/** What an export says about a photo or video. */
export interface ExportedFacts {
  /** Milliseconds since 1970. */
  readonly takenAt?: number | undefined;
  readonly caption?: string | undefined;
  /** Whether it was in the waste basket, or hidden. */
  readonly isDeleted?: boolean;
}

/** Limit for a JSON file of Google Takeout; real ones have about a kilobyte. */
export const maxSidecarBytes = 1024 ** 2;

/**
 * Reads a JSON file that Google Takeout puts beside a photo or video: its description, when it was taken, and whether it is
 * in the waste basket.
 * @returns undefined for any other JSON, such as that of an album
 */
export function readTakeoutMetadata(json: string): ExportedFacts | undefined {
  const fields = parse(json);
  if (!fields) return undefined;
  const { photoTakenTime, description, trashed } = fields;
  if (typeof photoTakenTime !== "object" && typeof description !== "string") return undefined;
  const seconds = Number((photoTakenTime as { timestamp?: unknown } | null)?.timestamp ?? Number.NaN);
  return {
    takenAt: seconds !== 0 && Number.isSafeInteger(seconds) ? seconds * 1000 : undefined,
    caption: typeof description === "string" ? acceptableCaption(description) : undefined,
    isDeleted: trashed === true,
  };
}

function parse(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json.replace(/^\uFEFF/, ""));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Shortens a text to the longest caption, and removes what no caption may contain. Undefined for an empty one. */
function acceptableCaption(text: string): string | undefined {
  const cleaned = text.toWellFormed().replaceAll("\0", "").trim();
  // Few texts are long; counting code points takes memory.
  const caption =
    cleaned.length <= maxCaptionLength ? cleaned : [...cleaned].slice(0, maxCaptionLength).join("");
  return caption === "" ? undefined : caption;
}
