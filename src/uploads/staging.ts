import { join } from "node:path";

import type { BunFile } from "bun";

import { ApiError, ValidationProblems, type Problem } from "../errors.ts";
import { fileTooLargeDetail, maxAltLength, maxCaptionLength } from "../limits.ts";
import type { SpaceClaim } from "../observability/disk-space.ts";
import { displayName } from "./display-name.ts";
import { inspectedBytes, inspectFirstBytes } from "./type-detection.ts";
import type { YieldToEventLoop } from "../concurrency/yield-to-event-loop.ts";
import { readMultipart, type MultipartListener } from "./multipart.ts";
import { mediaTypes, type MediaKind, type MediaType } from "../media-types.ts";
import { describeUnsupported } from "./unsupported-formats.ts";
import { WriteBehindFile } from "./write-behind-file.ts";

/** An upload in its own temp file, which the caller must remove. */
export interface StagedUpload {
  readonly file: BunFile;
  /** The text parts that the client sent, unchanged. */
  readonly texts: Readonly<Partial<Record<TextField, string>>>;
  readonly facts: StagedFacts;
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

/** Limit for everything in a form but its file: boundaries, part headers, the caption, other parts. */
const maxFormOverheadBytes = 256 * 1024;

/** Limit for everything in a form but its file, if the form contains only the documented parts, at full length. */
const maxFormTextBytes = 16 * 1024;

/**
 * Streams the `file` part of a multipart body to a new temp file, in constant memory, while it counts and hashes the
 * bytes and detects their type. Rejects an upload as early as possible; if the disk lacks space, before reading the
 * body. Removes the temp file on any failure.
 * @throws ValidationProblems for an invalid form; ApiError BAD_MULTIPART, UNSUPPORTED_MEDIA, FILE_TOO_LARGE,
 * QUOTA_EXCEEDED, UPLOAD_TOO_SLOW, STORAGE_FULL, STORE_UNAVAILABLE; the request's AbortError if the client disconnects
 */
export async function stageUpload(request: Request, limits: StagingLimits): Promise<StagedUpload> {
  const maxBytes = Math.max(limits.maxBytes.image, limits.maxBytes.video);
  const requireAllowedSize = (bodyBytes: number) => {
    if (bodyBytes > maxBytes + maxFormOverheadBytes) throw tooLarge(maxBytes);
    if (bodyBytes > limits.quotaLeft + maxFormTextBytes) throw new ApiError("QUOTA_EXCEEDED");
  };
  const declared = Number(request.headers.get("content-length"));
  requireAllowedSize(declared);

  const claim = await limits.space.claim(declared);
  const form = new UploadForm(() => new TempFile(join(limits.folder, crypto.randomUUID()), limits.maxBytes));
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
  #file: { readonly temp: TempFile; readonly name: string } | "text" | undefined;
  /** Files that a later part has replaced; {@link settle} removes them. */
  readonly #replaced: TempFile[] = [];

  constructor(private readonly newTempFile: () => TempFile) {}

  startFile(name: string, fileName: string): ((chunk: Uint8Array) => void) | undefined {
    if (isTextField(name))
      this.#textProblems.set(name, problem(name, "string_type", "Input should be a valid string"));
    if (name !== "file") return undefined;
    const temp = this.newTempFile();
    this.#replaceFile({ temp, name: fileName });
    return (chunk) => temp.write(chunk);
  }

  field(name: string, value: string, truncated: boolean): void {
    if (name === "file") this.#replaceFile("text");
    if (!isTextField(name)) return;
    this.#texts[name] = value;
    this.#textProblems.delete(name);
    if (truncated) {
      const msg = `String should have at most ${maxTextLengths[name]} characters`;
      this.#textProblems.set(name, problem(name, "string_too_long", msg));
    }
  }

  #replaceFile(file: { temp: TempFile; name: string } | "text"): void {
    if (typeof this.#file === "object") this.#replaced.push(this.#file.temp);
    this.#file = file;
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
    if (typeof this.#file === "object") await this.#file.temp.settle(false);
  }

  /**
   * Completes the form.
   * @throws ValidationProblems if the file is missing, text or empty, or a text part is a file or too long; ApiError as
   * {@link settle}
   */
  async end(): Promise<StagedUpload> {
    const problems = [this.#fileProblem(), ...this.#textProblems.values()].filter(
      (found) => found !== undefined,
    );
    if (problems.length > 0) throw new ValidationProblems(problems);
    const { temp, name } = this.#file as { temp: TempFile; name: string };
    const type = await temp.settle(true);
    if (!type) throw new ApiError("UNSUPPORTED_MEDIA");
    const facts = {
      sha256: temp.sha256(),
      bytes: temp.bytes,
      type,
      kind: mediaTypes[type].kind,
      displayName: displayName(name, type),
    };
    return { file: Bun.file(temp.path), texts: this.#texts, facts };
  }

  #fileProblem(): Problem | undefined {
    if (!this.#file) return problem("file", "missing", "Field required");
    if (this.#file === "text")
      return problem("file", "value_error", "Value error, expected a file, not text");
    if (this.#file.temp.bytes === 0) return problem("file", "value_error", "Value error, the file is empty");
    return undefined;
  }

  async discard(): Promise<void> {
    for (const replaced of this.#replaced) await replaced.discard();
    if (typeof this.#file === "object") await this.#file.temp.discard();
  }
}

const problem = (field: string, type: Problem["type"], msg: string): Problem => ({
  type,
  loc: ["body", field],
  msg,
});

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

const tooLarge = (limit: number) => new ApiError("FILE_TOO_LARGE", { detail: fileTooLargeDetail(limit) });
