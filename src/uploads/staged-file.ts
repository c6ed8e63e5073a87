import { ApiError } from "../errors.ts";
import { fileTooLargeDetail, maxThumbnailBytes } from "../limits.ts";
import {
  mediaTypes,
  unsupportedDetail,
  type AcceptedMedia,
  type MediaKind,
  type MediaType,
} from "../media-types.ts";
import { displayName } from "./display-name.ts";
import { badThumbnail } from "./form-problems.ts";
import { inspectedBytes, inspectFirstBytes, isTransportStream, transportStream } from "./type-detection.ts";
import { describeUnsupported } from "./unsupported-formats.ts";
import { WriteBehindFile } from "./write-behind-file.ts";

/** The types of files that an upload may have. */
export type IntakeType = MediaType | typeof transportStream;

/** The kind of a file of this type. */
export const kindOf = (type: IntakeType): MediaKind =>
  type === transportStream ? "video" : mediaTypes[type].kind;

/** Limit for everything in a form but its files: boundaries, part headers, the caption, other parts. */
export const maxFormOverheadBytes = 256 * 1024;

/** The error for a file beyond its limit in bytes. */
export const tooLarge = (limit: number): ApiError =>
  new ApiError("FILE_TOO_LARGE", { detail: fileTooLargeDetail(limit) });

/**
 * Detects the type of a file from its first {@link inspectedBytes}, or all of a shorter file.
 * @returns undefined for a type that is not accepted
 */
export async function detectIntakeType(
  bytes: Uint8Array,
  accepted: AcceptedMedia,
): Promise<IntakeType | undefined> {
  const type = await inspectFirstBytes(bytes);
  if (type) return type;
  return accepted.transportStreams && (await isTransportStream(bytes)) ? transportStream : undefined;
}

/** The error for a file with these first bytes, whose type is not accepted. */
export async function unsupportedMedia(bytes: Uint8Array, accepted: AcceptedMedia): Promise<ApiError> {
  const detail = (await describeUnsupported(bytes)) ?? unsupportedDetail(accepted);
  return new ApiError("UNSUPPORTED_MEDIA", { detail });
}

/** The name to show for an uploaded file; that of a transport stream tells what it becomes. */
export const intakeName = (fileName: string, type: IntakeType): string =>
  type === transportStream
    ? displayName(fileName.replace(/\.(?:m?ts|m2ts)$/i, ""), "video/mp4")
    : displayName(fileName, type);

/** A file that is being written; counts and hashes its bytes and detects their type. */
export class TempFile {
  bytes = 0;
  #type: IntakeType | undefined;
  #isUnsupported = false;
  readonly #first = Buffer.alloc(inspectedBytes);
  readonly #hash = new Bun.CryptoHasher("sha256");
  readonly #file: WriteBehindFile;

  constructor(
    readonly path: string,
    readonly maxBytes: Readonly<Record<MediaKind, number>>,
    private readonly accepted: AcceptedMedia,
  ) {
    this.#file = new WriteBehindFile(path);
  }

  write(chunk: Uint8Array): void {
    if (this.bytes < inspectedBytes)
      this.#first.set(chunk.subarray(0, inspectedBytes - this.bytes), this.bytes);
    this.bytes += chunk.length;
    if (this.#isUnsupported) return;
    this.#hash.update(chunk);
    this.#file.append(chunk);
  }

  /**
   * Checks the bytes received so far, and waits until the disk has nearly caught up, or fully `atEnd`. Rejects an
   * unknown type only at the end or beyond the limit for a form's other parts, because a later `file` part may replace
   * this one.
   * @throws ApiError UNSUPPORTED_MEDIA, FILE_TOO_LARGE, STORAGE_FULL, STORE_UNAVAILABLE
   */
  async settle(atEnd: boolean): Promise<IntakeType | undefined> {
    if (!this.#type && !this.#isUnsupported && (atEnd || this.bytes >= inspectedBytes)) {
      this.#type = await detectIntakeType(this.#first.subarray(0, this.bytes), this.accepted);
      this.#isUnsupported = !this.#type;
    }
    if (this.#isUnsupported && (atEnd || this.bytes > Math.min(maxFormOverheadBytes, this.#maxBytes)))
      throw await unsupportedMedia(this.#first.subarray(0, this.bytes), this.accepted);
    this.requireAllowedSize();
    await (atEnd ? this.#file.end() : this.#file.keepUp());
    return this.#type;
  }

  /** @throws ApiError FILE_TOO_LARGE */
  requireAllowedSize(): void {
    if (this.bytes > this.#maxBytes) throw tooLarge(this.#maxBytes);
  }

  get #maxBytes(): number {
    const { image, video } = this.maxBytes;
    return this.#type ? this.maxBytes[kindOf(this.#type)] : Math.max(image, video);
  }

  sha256(): string {
    return this.#hash.digest("hex");
  }

  discard(): Promise<void> {
    return this.#file.discard();
  }
}

/** The file of a `thumbnail` part: all errors of its content are validation errors of that part. */
export class ThumbnailFile extends TempFile {
  constructor(path: string) {
    super(path, { image: maxThumbnailBytes, video: maxThumbnailBytes }, { transportStreams: false });
  }

  override async settle(atEnd: boolean): Promise<IntakeType | undefined> {
    const type = await super.settle(atEnd).catch((error: unknown) => {
      const isUnsupported = error instanceof ApiError && error.code === "UNSUPPORTED_MEDIA";
      throw isUnsupported ? badThumbnail("the thumbnail is not an image") : error;
    });
    if (type && kindOf(type) !== "image") throw badThumbnail("the thumbnail is not an image");
    return type;
  }

  override requireAllowedSize(): void {
    if (this.bytes > maxThumbnailBytes)
      throw badThumbnail(`the thumbnail has more than ${maxThumbnailBytes / 1024 ** 2} MB`);
  }
}
