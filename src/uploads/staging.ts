import { join } from "node:path";

import type { BunFile } from "bun";

import { ApiError, ValidationProblems, type Problem } from "../errors.ts";
import { fileTooLargeDetail, maxCaptionLength } from "../limits.ts";
import type { SpaceClaim } from "../observability/disk-space.ts";
import { displayName } from "./display-name.ts";
import { inspectedBytes, inspectFirstBytes } from "./type-detection.ts";
import type { YieldToEventLoop } from "../concurrency/yield-to-event-loop.ts";
import { readMultipart, type MultipartListener } from "./multipart.ts";
import { mediaTypes, type MediaKind, type MediaType } from "../media-types.ts";
import { describeUnsupported } from "./unsupported-formats.ts";
import { WriteBehindFile } from "./write-behind-file.ts";

/** An upload in a temp file of its own, which is the caller's to remove. */
export interface StagedUpload {
  readonly file: BunFile;
  /** As sent; undefined when there was none. */
  readonly caption: string | undefined;
  readonly facts: StagedFacts;
}

/** What was learned while the bytes went by. */
export interface StagedFacts {
  /** In hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly type: MediaType;
  readonly kind: MediaKind;
  /** The client's file name, cleaned for showing. */
  readonly displayName: string;
}

export interface StagingLimits {
  /** Folder of the temp files. */
  readonly folder: string;
  /** Bytes an image or a video may have. */
  readonly maxBytes: Readonly<Record<MediaKind, number>>;
  /** Of the folder's disk. */
  readonly space: { claim(bytes: number): Promise<SpaceClaim> };
  /** Shared by all uploads. */
  readonly yieldToEventLoop: YieldToEventLoop;
}

/** Bytes of a form around its file: boundaries, part headers, the caption, earlier parts that are no image or video. */
const formOverhead = 256 * 1024;

/**
 * Streams the `file` part of a multipart body to a fresh temp file while counting, hashing and looking at the first
 * bytes, in constant memory for any size. What cannot be taken is refused as soon as that is known, a body that does not
 * fit on the disk before it is read; whatever fails, the temp file is gone.
 * @throws ValidationProblems for a form that does not fit; ApiError BAD_MULTIPART, UNSUPPORTED_MEDIA, FILE_TOO_LARGE,
 * UPLOAD_TOO_SLOW, STORAGE_FULL; the request's AbortError when the client goes away
 */
export async function stageUpload(request: Request, limits: StagingLimits): Promise<StagedUpload> {
  const largest = Math.max(limits.maxBytes.image, limits.maxBytes.video);
  const refuseBeyond = (bytes: number) => {
    if (bytes > largest + formOverhead) throw tooLarge(largest);
  };
  const declared = Number(request.headers.get("content-length"));
  refuseBeyond(declared);

  const claim = await limits.space.claim(declared);
  const form = new UploadForm(() => new TempFile(join(limits.folder, crypto.randomUUID()), limits.maxBytes));
  try {
    const between = async (received: number) => {
      refuseBeyond(received);
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
 * The parts of the form. Of repeated fields the last one counts, as in FastAPI: FilePond, for one, sends a text part
 * named `file` before the file itself. Unknown parts are passed over.
 */
class UploadForm implements MultipartListener {
  #caption: string | undefined;
  #captionProblem: Problem | undefined;
  #file: { readonly temp: TempFile; readonly name: string } | "text" | undefined;
  /** Files that a later part has replaced; gone after the chunk that it came in. */
  readonly #replaced: TempFile[] = [];

  constructor(private readonly newTempFile: () => TempFile) {}

  startFile(name: string, fileName: string): ((chunk: Uint8Array) => void) | undefined {
    if (name === "caption")
      this.#captionProblem = problem("caption", "string_type", "Input should be a valid string");
    if (name !== "file") return undefined;
    const temp = this.newTempFile();
    this.#replaceFile({ temp, name: fileName });
    return (chunk) => temp.write(chunk);
  }

  field(name: string, value: string, truncated: boolean): void {
    if (name === "file") this.#replaceFile("text");
    if (name !== "caption") return;
    this.#caption = value;
    this.#captionProblem = truncated
      ? problem("caption", "string_too_long", `String should have at most ${maxCaptionLength} characters`)
      : undefined;
  }

  #replaceFile(file: { temp: TempFile; name: string } | "text"): void {
    if (typeof this.#file === "object") this.#replaced.push(this.#file.temp);
    this.#file = file;
  }

  /**
   * Checks what has come so far and lets the disk catch up.
   * @throws ApiError UNSUPPORTED_MEDIA, FILE_TOO_LARGE, STORAGE_FULL, STORE_UNAVAILABLE
   */
  async settle(): Promise<void> {
    for (let replaced = this.#replaced.pop(); replaced; replaced = this.#replaced.pop()) {
      await replaced.discard();
      replaced.requireAllowedSize();
    }
    if (typeof this.#file === "object") await this.#file.temp.settle(false);
  }

  /** @throws ValidationProblems where the file is missing, text or empty, or the caption is none; ApiError as `settle` */
  async end(): Promise<StagedUpload> {
    const fileProblem = this.#fileProblem();
    if (fileProblem || this.#captionProblem)
      throw new ValidationProblems(
        [fileProblem, this.#captionProblem].filter((found) => found !== undefined),
      );
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
    return { file: Bun.file(temp.path), caption: this.#caption, facts };
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

/** The bytes of a file on their way to the disk: counted, hashed, looked at. */
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
   * Checks what has come so far and lets the disk catch up; at the end wholly. A file of no known type is refused at its
   * end, because another one may follow that counts, or when there is more of it than a form has around its file.
   * @throws ApiError UNSUPPORTED_MEDIA, FILE_TOO_LARGE, STORAGE_FULL, STORE_UNAVAILABLE
   */
  async settle(atEnd: boolean): Promise<MediaType | undefined> {
    if (!this.#type && !this.#isUnsupported && (atEnd || this.bytes >= inspectedBytes)) {
      this.#type = await inspectFirstBytes(this.#first.subarray(0, this.bytes));
      this.#isUnsupported = !this.#type;
    }
    if (this.#isUnsupported && (atEnd || this.bytes > Math.min(formOverhead, this.#maxBytes)))
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
