import { join } from "node:path";

import type { BunFile } from "bun";

import { ApiError, ValidationProblems, type Problem } from "../errors.ts";
import type { SpaceClaim } from "../operation/disk-space.ts";
import { displayName } from "./display-name.ts";
import { enoughToInspect, inspectFirstBytes } from "./inspection.ts";
import { readMultipart, type MultipartListener } from "./multipart.ts";
import { mediaTypes, type MediaKind, type MediaType } from "./types.ts";
import { describeUnsupported } from "./unsupported-formats.ts";
import { WriteBehindFile } from "./write-behind.ts";

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
}

/** Bytes of a form around its file: boundaries, part headers, the caption. */
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
  const file = new TempFile(join(limits.folder, crypto.randomUUID()), limits.maxBytes);
  const form = new UploadForm(file);
  try {
    await readMultipart(request, form, async (received) => {
      refuseBeyond(received);
      await claim.received(received);
      await file.settle(false);
    });
    const facts = await form.facts();
    return { file: Bun.file(file.path), caption: form.caption, facts };
  } catch (error) {
    await file.discard();
    throw error;
  } finally {
    claim.release();
  }
}

/** The parts of the form: one `file`, at most one `caption`; others are passed over. */
class UploadForm implements MultipartListener {
  caption: string | undefined;
  #fileName: string | undefined;
  #hasFile = false;
  #problem: Problem | undefined;

  constructor(readonly temp: TempFile) {}

  startFile(name: string, fileName: string): ((chunk: Uint8Array) => void) | undefined {
    if (name === "caption") this.#refuse("caption", "string_type", "Input should be a valid string");
    if (name !== "file") return undefined;
    if (this.#hasFile) this.#refuse("file", "value_error", "Value error, exactly one file is expected");
    this.#hasFile = true;
    this.#fileName = fileName;
    return (chunk) => this.temp.write(chunk);
  }

  field(name: string, value: string, truncated: boolean): void {
    if (name === "file") this.#refuse("file", "value_error", "Value error, expected a file, not text");
    if (name !== "caption") return;
    if (this.caption !== undefined)
      this.#refuse("caption", "value_error", "Value error, exactly one caption is expected");
    if (truncated) this.#refuse("caption", "string_too_long", "String should have at most 2200 characters");
    this.caption = value;
  }

  #refuse(field: string, type: Problem["type"], msg: string): void {
    this.#problem ??= { type, loc: ["body", field], msg };
  }

  async facts(): Promise<StagedFacts> {
    if (!this.#hasFile && !this.#problem)
      this.#problem = { type: "missing", loc: ["body", "file"], msg: "Field required" };
    if (this.#problem) throw new ValidationProblems([this.#problem]);
    if (this.temp.bytes === 0) {
      const msg = "Value error, the file is empty";
      throw new ValidationProblems([{ type: "value_error", loc: ["body", "file"], msg }]);
    }
    const type = await this.temp.settle(true);
    if (!type) throw new ApiError("UNSUPPORTED_MEDIA");
    return {
      sha256: this.temp.sha256(),
      bytes: this.temp.bytes,
      type,
      kind: mediaTypes[type].kind,
      displayName: displayName(this.#fileName, type),
    };
  }
}

/** The bytes of the file on their way to the disk: counted, hashed, looked at. */
class TempFile {
  bytes = 0;
  #type: MediaType | undefined;
  readonly #first = Buffer.alloc(enoughToInspect);
  readonly #hash = new Bun.CryptoHasher("sha256");
  readonly #file: WriteBehindFile;

  constructor(
    readonly path: string,
    readonly maxBytes: Readonly<Record<MediaKind, number>>,
  ) {
    this.#file = new WriteBehindFile(path);
  }

  write(chunk: Uint8Array): void {
    if (this.bytes < enoughToInspect)
      this.#first.set(chunk.subarray(0, enoughToInspect - this.bytes), this.bytes);
    this.bytes += chunk.length;
    this.#hash.update(chunk);
    this.#file.append(chunk);
  }

  /**
   * Checks what has come so far and lets the disk catch up; at the end wholly.
   * @throws ApiError UNSUPPORTED_MEDIA, FILE_TOO_LARGE, STORAGE_FULL, STORE_UNAVAILABLE
   */
  async settle(atEnd: boolean): Promise<MediaType | undefined> {
    if (!this.#type && (atEnd || this.bytes >= enoughToInspect)) {
      this.#type = await inspectFirstBytes(this.#first.subarray(0, this.bytes));
      if (!this.#type) throw await this.#unsupported();
    }
    const limit = this.#type
      ? this.maxBytes[mediaTypes[this.#type].kind]
      : Math.max(this.maxBytes.image, this.maxBytes.video);
    if (this.bytes > limit) throw tooLarge(limit);
    await (atEnd ? this.#file.end() : this.#file.keepUp());
    return this.#type;
  }

  async #unsupported(): Promise<ApiError> {
    const detail = await describeUnsupported(this.#first.subarray(0, this.bytes));
    return new ApiError("UNSUPPORTED_MEDIA", detail === undefined ? {} : { detail });
  }

  sha256(): string {
    return this.#hash.digest("hex");
  }

  discard(): Promise<void> {
    return this.#file.discard();
  }
}

const tooLarge = (limit: number) =>
  new ApiError("FILE_TOO_LARGE", { detail: `File too large: at most ${limit} bytes are accepted` });
