import { join } from "node:path";

import type { BunFile } from "bun";

import { ApiError, ValidationProblems, type Problem } from "../errors.ts";
import { fileTooLargeDetail, maxAltLength, maxCaptionLength } from "../limits.ts";
import type { SpaceClaim } from "../observability/disk-space.ts";
import { badThumbnail, problem } from "./form-problems.ts";
import { displayName } from "./display-name.ts";
import { inspectedBytes, inspectFirstBytes } from "./type-detection.ts";
import type { YieldToEventLoop } from "../concurrency/yield-to-event-loop.ts";
import { readMultipart, type MultipartListener } from "./multipart.ts";
import { mediaTypes, type MediaKind, type MediaType } from "../media-types.ts";
import { describeUnsupported } from "./unsupported-formats.ts";
import { WriteBehindFile } from "./write-behind-file.ts";

/** An upload in its own temp files, which the caller must remove. */
export interface StagedUpload {
  readonly file: BunFile;
  /** The image that the client wants to be shown as the poster or preview. */
  readonly thumbnail: StagedThumbnail | undefined;
  /** The text parts that the client sent, unchanged. */
  readonly texts: Readonly<Partial<Record<TextField, string>>>;
  readonly facts: StagedFacts;
}

/** An image in its own temp file. */
export interface StagedThumbnail {
  readonly file: BunFile;
  readonly type: MediaType;
}

/** Determined while the body was streamed. */
export interface StagedFacts {
  /** The hash of the bytes, in hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly type: MediaType;
  readonly kind: MediaKind;
  /** The client's file name, sanitized for display. */
  readonly displayName: string;
}

export interface StagingLimits {
  /** Folder of the temp files. */
  readonly folder: string;
  /** Size limits, by kind. */
  readonly maxBytes: Readonly<Record<MediaKind, number>>;
  /** Bytes that the account's quota leaves for the upload. */
  readonly quotaLeft: number;
  /** Reserves space on the folder's disk. */
  readonly space: { claim(bytes: number): Promise<SpaceClaim> };
  /** Shared by all uploads. */
  readonly yieldToEventLoop: YieldToEventLoop;
}

/** The text parts of the form, with their largest length in code points. */
const maxTextLengths = { caption: maxCaptionLength, alt: maxAltLength };
type TextField = keyof typeof maxTextLengths;
const isTextField = (name: string): name is TextField => Object.hasOwn(maxTextLengths, name);

/** The file parts of the form. */
type FileField = "file" | "thumbnail";
const isFileField = (name: string): name is FileField => name === "file" || name === "thumbnail";

/** Size limit for the `thumbnail` part. */
const maxThumbnailBytes = 10 * 1024 * 1024;

/** Limit for everything in a form but its files: boundaries, part headers, the caption, other parts. */
const maxFormOverheadBytes = 256 * 1024;

/** Limit for everything in a form but its files, if the form contains only the documented parts, at full length. */
const maxFormTextBytes = 16 * 1024;

/**
 * Streams the `file` and `thumbnail` parts of a multipart body to new temp files, in constant memory, while it counts and
 * hashes the bytes and detects their type. Rejects an upload as early as possible; if the disk lacks space, before reading
 * the body. Removes the temp files on any failure.
 * @throws ValidationProblems for an invalid form; ApiError BAD_MULTIPART, UNSUPPORTED_MEDIA, FILE_TOO_LARGE,
 * QUOTA_EXCEEDED, UPLOAD_TOO_SLOW, STORAGE_FULL, STORE_UNAVAILABLE; the request's AbortError if the client disconnects
 */
export async function stageUpload(request: Request, limits: StagingLimits): Promise<StagedUpload> {
  const maxBytes = Math.max(limits.maxBytes.image, limits.maxBytes.video);
  const requireAllowedSize = (bodyBytes: number) => {
    if (bodyBytes > maxBytes + maxThumbnailBytes + maxFormOverheadBytes) throw tooLarge(maxBytes);
    if (bodyBytes > limits.quotaLeft + maxFormTextBytes) throw new ApiError("QUOTA_EXCEEDED");
  };
  const declared = Number(request.headers.get("content-length"));
  requireAllowedSize(declared);

  const claim = await limits.space.claim(declared);
  const newPath = () => join(limits.folder, crypto.randomUUID());
  const form = new UploadForm({
    file: () => new TempFile(newPath(), limits.maxBytes),
    thumbnail: () => new ThumbnailFile(newPath(), { image: maxThumbnailBytes, video: maxThumbnailBytes }),
  });
  try {
    const between = async (received: number) => {
      requireAllowedSize(received);
      await claim.received(received);
      await form.settle();
    };
    await readMultipart(request, form, between, limits.yieldToEventLoop);
    return await form.end();
  } catch (error) {
    await form.discard();
    throw error;
  } finally {
    claim.release();
  }
}

/**
 * The parts of the form. As in FastAPI, the last one of a repeated field counts; FilePond, for example, sends a text
 * part named `file` before the file itself. Unknown parts are ignored.
 */
class UploadForm implements MultipartListener {
  readonly #texts: Partial<Record<TextField, string>> = {};
  readonly #textProblems = new Map<TextField, Problem>();
  readonly #files: Partial<Record<FileField, FilePart | "text">> = {};
  /** Files that a later part has replaced; {@link settle} removes them. */
  readonly #replaced: TempFile[] = [];

  constructor(private readonly newTempFile: Readonly<Record<FileField, () => TempFile>>) {}

  startFile(name: string, fileName: string): ((chunk: Uint8Array) => void) | undefined {
    if (isTextField(name))
      this.#textProblems.set(name, problem(name, "string_type", "Input should be a valid string"));
    if (!isFileField(name)) return undefined;
    const temp = this.newTempFile[name]();
    this.#replaceFile(name, { temp, name: fileName });
    return (chunk) => temp.write(chunk);
  }

  field(name: string, value: string, truncated: boolean): void {
    if (isFileField(name)) this.#replaceFile(name, "text");
    if (!isTextField(name)) return;
    this.#texts[name] = value;
    this.#textProblems.delete(name);
    if (truncated) {
      const msg = `String should have at most ${maxTextLengths[name]} characters`;
      this.#textProblems.set(name, problem(name, "string_too_long", msg));
    }
  }

  #replaceFile(field: FileField, part: FilePart | "text"): void {
    const replaced = this.#files[field];
    if (typeof replaced === "object") this.#replaced.push(replaced.temp);
    this.#files[field] = part;
  }

  /** The files that have been received so far. */
  get #temps(): TempFile[] {
    return Object.values(this.#files).flatMap((part) => (part === "text" ? [] : [part.temp]));
  }

  /**
   * Checks the parts received so far, and waits until the disk has nearly caught up.
   * @throws ApiError UNSUPPORTED_MEDIA, FILE_TOO_LARGE, STORAGE_FULL, STORE_UNAVAILABLE
   */
  async settle(): Promise<void> {
    for (let replaced = this.#replaced.pop(); replaced; replaced = this.#replaced.pop()) {
      await replaced.discard();
      replaced.requireAllowedSize();
    }
    for (const temp of this.#temps) await temp.settle(false);
  }

  /**
   * Completes the form.
   * @throws ValidationProblems if the file is missing, a file is text or empty, or a text part is a file or too long;
   * ApiError as {@link settle}
   */
  async end(): Promise<StagedUpload> {
    await this.#dropUnchosenThumbnail();
    const problems = [
      this.#fileProblem("file"),
      this.#files.thumbnail && this.#fileProblem("thumbnail"),
      ...this.#textProblems.values(),
    ].filter((found) => found !== undefined);
    if (problems.length > 0) throw new ValidationProblems(problems);
    const { temp, name } = this.#files.file as FilePart;
    const type = await temp.settle(true);
    if (!type) throw new ApiError("UNSUPPORTED_MEDIA");
    const facts = {
      sha256: temp.sha256(),
      bytes: temp.bytes,
      type,
      kind: mediaTypes[type].kind,
      displayName: displayName(name, type),
    };
    return {
      file: Bun.file(temp.path),
      thumbnail: await this.#endThumbnail(),
      texts: this.#texts,
      facts,
    };
  }

  /** HTML forms send an empty file without a name if none was chosen. */
  async #dropUnchosenThumbnail(): Promise<void> {
    const part = this.#files.thumbnail;
    if (typeof part !== "object" || part.name !== "" || part.temp.bytes > 0) return;
    await part.temp.discard();
    delete this.#files.thumbnail;
  }

  async #endThumbnail(): Promise<StagedThumbnail | undefined> {
    const { temp } = (this.#files.thumbnail as FilePart | undefined) ?? {};
    const type = await temp?.settle(true);
    return temp && type && { file: Bun.file(temp.path), type };
  }

  #fileProblem(field: FileField): Problem | undefined {
    const part = this.#files[field];
    if (!part) return problem(field, "missing", "Field required");
    if (part === "text") return problem(field, "value_error", "Value error, expected a file, not text");
    if (part.temp.bytes === 0) return problem(field, "value_error", "Value error, the file is empty");
    return undefined;
  }

  async discard(): Promise<void> {
    for (const temp of [...this.#replaced, ...this.#temps]) await temp.discard();
  }
}

/** A file part, with the client's file name. */
interface FilePart {
  readonly temp: TempFile;
  readonly name: string;
}

/** A file that is being written; counts and hashes its bytes and detects their type. */
class TempFile {
  bytes = 0;
  #type: MediaType | undefined;
  #isUnsupported = false;
  readonly #first = Buffer.alloc(inspectedBytes);
  readonly #hash = new Bun.CryptoHasher("sha256");
  readonly #file: WriteBehindFile;

  constructor(
    readonly path: string,
    readonly maxBytes: Readonly<Record<MediaKind, number>>,
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
  async settle(atEnd: boolean): Promise<MediaType | undefined> {
    if (!this.#type && !this.#isUnsupported && (atEnd || this.bytes >= inspectedBytes)) {
      this.#type = await inspectFirstBytes(this.#first.subarray(0, this.bytes));
      this.#isUnsupported = !this.#type;
    }
    if (this.#isUnsupported && (atEnd || this.bytes > Math.min(maxFormOverheadBytes, this.#maxBytes)))
      throw await this.#unsupported();
    this.requireAllowedSize();
    await (atEnd ? this.#file.end() : this.#file.keepUp());
    return this.#type;
  }

  async #unsupported(): Promise<ApiError> {
    const detail = await describeUnsupported(this.#first.subarray(0, this.bytes));
    return new ApiError("UNSUPPORTED_MEDIA", detail === undefined ? {} : { detail });
  }

  /** @throws ApiError FILE_TOO_LARGE */
  requireAllowedSize(): void {
    if (this.bytes > this.#maxBytes) throw tooLarge(this.#maxBytes);
  }

  get #maxBytes(): number {
    const { image, video } = this.maxBytes;
    return this.#type ? this.maxBytes[mediaTypes[this.#type].kind] : Math.max(image, video);
  }

  sha256(): string {
    return this.#hash.digest("hex");
  }

  discard(): Promise<void> {
    return this.#file.discard();
  }
}

/** The file of a `thumbnail` part: all errors of its content are validation errors of that part. */
class ThumbnailFile extends TempFile {
  override async settle(atEnd: boolean): Promise<MediaType | undefined> {
    const type = await super.settle(atEnd).catch((error: unknown) => {
      const isUnsupported = error instanceof ApiError && error.code === "UNSUPPORTED_MEDIA";
      throw isUnsupported ? badThumbnail("the thumbnail is not an image") : error;
    });
    if (type && mediaTypes[type].kind !== "image") throw badThumbnail("the thumbnail is not an image");
    return type;
  }

  override requireAllowedSize(): void {
    if (this.bytes > maxThumbnailBytes)
      throw badThumbnail(`the thumbnail has more than ${maxThumbnailBytes / 1024 ** 2} MB`);
  }
}

const tooLarge = (limit: number) => new ApiError("FILE_TOO_LARGE", { detail: fileTooLargeDetail(limit) });
