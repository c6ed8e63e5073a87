import type { BunFile } from "bun";

import { ApiError, ValidationProblems, type Problem } from "../errors.ts";
import { maxAltLength, maxCaptionLength } from "../limits.ts";
import type { MediaKind, MediaType } from "../media-types.ts";
import { problem } from "./form-problems.ts";
import type { MultipartListener } from "./multipart.ts";
import { intakeName, kindOf, type IntakeType, type TempFile } from "./staged-file.ts";
import { transportStream } from "./type-detection.ts";

/** An upload in its own temp files, which the caller must remove. */
export interface UploadWith<Type> {
  readonly file: BunFile;
  /** The image that the client wants to be shown as the poster or preview. */
  readonly thumbnail: StagedThumbnail | undefined;
  /** The text parts that the client sent, unchanged. */
  readonly texts: Readonly<Partial<Record<TextField, string>>>;
  readonly facts: StagedFacts<Type>;
}

/** An upload of a type that can be stored. */
export type StagedUpload = UploadWith<MediaType>;

/** An image in its own temp file. */
export interface StagedThumbnail {
  readonly file: BunFile;
  readonly type: MediaType;
}

/** Determined while the body was streamed. */
export interface StagedFacts<Type> {
  /** The hash of the bytes, in hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly type: Type;
  readonly kind: MediaKind;
  /** The client's file name, sanitized for display. */
  readonly displayName: string;
}

/** The text parts of the form, with their largest length in code points. */
const maxTextLengths = { caption: maxCaptionLength, alt: maxAltLength };
type TextField = keyof typeof maxTextLengths;
const isTextField = (name: string): name is TextField => Object.hasOwn(maxTextLengths, name);

/** The file parts of the form. */
type FileField = "file" | "thumbnail";
const isFileField = (name: string): name is FileField => name === "file" || name === "thumbnail";

/**
 * The parts of the form. As in FastAPI, the last one of a repeated field counts; FilePond, for example, sends a text
 * part named `file` before the file itself. Unknown parts are ignored.
 */
export class UploadForm implements MultipartListener {
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
    // Swagger UI sends an empty text for a file that was not chosen.
    if (name === "thumbnail" && value === "") this.#replaceFile(name, undefined);
    else if (isFileField(name)) this.#replaceFile(name, "text");
    if (!isTextField(name)) return;
    this.#texts[name] = value;
    this.#textProblems.delete(name);
    if (truncated) {
      const msg = `String should have at most ${maxTextLengths[name]} characters`;
      this.#textProblems.set(name, problem(name, "string_too_long", msg));
    }
  }

  #replaceFile(field: FileField, part: FilePart | "text" | undefined): void {
    const replaced = this.#files[field];
    if (typeof replaced === "object") this.#replaced.push(replaced.temp);
    if (part) this.#files[field] = part;
    else delete this.#files[field];
  }

  /** Bytes of the `thumbnail` part that have been received so far. */
  get thumbnailBytes(): number {
    const part = this.#files.thumbnail;
    return typeof part === "object" ? part.temp.bytes : 0;
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
  async end(): Promise<UploadWith<IntakeType>> {
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
      kind: kindOf(type),
      displayName: intakeName(name, type),
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
    return temp && type && type !== transportStream ? { file: Bun.file(temp.path), type } : undefined;
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
