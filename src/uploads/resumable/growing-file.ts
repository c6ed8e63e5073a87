import { stat } from "node:fs/promises";

import { codeOf } from "../../disk-errors.ts";
import type { ResumableUpload } from "../../database/resumable-uploads.ts";
import type { AcceptedMedia, MediaKind } from "../../media-types.ts";
import { detectIntakeType, kindOf, tooLarge, unsupportedMedia, type IntakeType } from "../staged-file.ts";
import { inspectedBytes } from "../type-detection.ts";
import type { ResumableServices } from "./resumable-services.ts";
import { WriteBehindFile } from "../write-behind-file.ts";

/** Limits for a file, which depend on its type. */
export interface FileLimits extends AcceptedMedia {
  readonly maxBytes: Readonly<Record<MediaKind, number>>;
}

/** The limits of this service. */
export const fileLimitsOf = ({
  config,
  rewrapUpload,
}: Pick<ResumableServices, "config" | "rewrapUpload">): FileLimits => ({
  maxBytes: { image: config.maxImageSize, video: config.maxVideoSize },
  transportStreams: rewrapUpload !== undefined,
});

/** The file of an unfinished upload, while a request appends bytes to it. */
export class GrowingFile {
  /** Bytes of the file that came before, or were appended. */
  offset: number;
  /** The first bytes of the file; undefined once its type is known. */
  #first: Buffer | undefined;
  readonly #file: WriteBehindFile;

  private constructor(
    path: string,
    private readonly start: number,
    /** Bytes of the whole file. */
    private readonly length: number,
    first: Buffer | undefined,
  ) {
    this.offset = start;
    this.#first = first;
    this.#file = new WriteBehindFile(path, start);
  }

  /**
   * Opens the file of an upload that has `offset` bytes. Any bytes beyond were never acknowledged and are overwritten.
   * @param isKnown whether this process wrote those bytes, so that their presence need not be checked
   * @returns undefined if the bytes are gone
   */
  static async open(
    path: string,
    { offset, length }: Pick<ResumableUpload, "offset" | "length">,
    { isKnown }: { isKnown: boolean },
  ): Promise<GrowingFile | undefined> {
    if (!isKnown && (await sizeOf(path)) < offset) return undefined;
    if (offset >= inspectedBytes) return new GrowingFile(path, offset, length, undefined);
    const first = Buffer.alloc(inspectedBytes);
    first.set(await firstBytesOf(path, offset));
    return new GrowingFile(path, offset, length, first);
  }

  /** Bytes from the beginning of the file that are certainly on disk. */
  get durableOffset(): number {
    return this.start + this.#file.durableBytes;
  }

  append(chunk: Uint8Array): void {
    if (this.#first && this.offset < inspectedBytes)
      this.#first.set(chunk.subarray(0, inspectedBytes - this.offset), this.offset);
    this.offset += chunk.length;
    this.#file.append(chunk);
  }

  /**
   * Checks the type once enough bytes have arrived, and waits until the disk has nearly caught up.
   * @throws ApiError UNSUPPORTED_MEDIA, FILE_TOO_LARGE, STORAGE_FULL, STORE_UNAVAILABLE
   */
  async settle(limits: FileLimits): Promise<void> {
    if (this.#first && (this.offset >= inspectedBytes || this.offset === this.length)) {
      await requireAccepted(this.#first.subarray(0, this.offset), this.length, limits);
      this.#first = undefined;
    }
    await this.#file.keepUp();
  }

  /**
   * Waits until all bytes are on disk.
   * @throws ApiError STORAGE_FULL, STORE_UNAVAILABLE
   */
  flush(): Promise<void> {
    return this.#file.flush();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/**
 * Detects the type of a file of this length from its first bytes.
 * @throws ApiError UNSUPPORTED_MEDIA, FILE_TOO_LARGE
 */
export async function requireAccepted(
  first: Uint8Array,
  length: number,
  { maxBytes, transportStreams }: FileLimits,
): Promise<IntakeType> {
  const type = await detectIntakeType(first, { transportStreams });
  if (!type) throw await unsupportedMedia(first, { transportStreams });
  const limit = maxBytes[kindOf(type)];
  if (length > limit) throw tooLarge(limit);
  return type;
}

/** The first bytes of a file, which tell its type. @param fileBytes the length of the file; none is read when it is 0 */
export async function firstBytesOf(path: string, fileBytes: number): Promise<Uint8Array> {
  return fileBytes === 0
    ? new Uint8Array()
    : await Bun.file(path).slice(0, Math.min(fileBytes, inspectedBytes)).bytes();
}

/** 0 for a missing file. */
const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    (error: unknown) => {
      if (codeOf(error) === "ENOENT") return 0;
      throw error;
    },
  );
