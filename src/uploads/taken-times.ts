import { findTakenTime } from "../metadata/exif-date.ts";

/** Bytes of a photo that usually contain its EXIF data. */
export const firstBytesLength = 64 * 1024;

/** A file with the first {@link firstBytesLength} bytes of several photos, one after the other. */
export interface FirstBytes {
  readonly path: string;
}

/**
 * Reads when photos were taken, in a worker process.
 * @returns a time for each photo, as {@link findTakenTime} does; null for none
 */
export async function readTakenTimes({ path }: FirstBytes): Promise<(string | null)[]> {
  const bytes = Buffer.from(await Bun.file(path).arrayBuffer());
  const times: (string | null)[] = [];
  for (let start = 0; start < bytes.length; start += firstBytesLength)
    times.push(findTakenTime(bytes.subarray(start, start + firstBytesLength)) ?? null);
  return times;
}
