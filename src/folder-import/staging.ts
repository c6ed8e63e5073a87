import { fstat, read, type Stats } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";

import { ValidationProblems } from "../errors.ts";
import { problem } from "../uploads/form-problems.ts";
import { requireAccepted, type FileLimits } from "../uploads/resumable/growing-file.ts";
import { intakeName, kindOf, TempFile, type IntakeType } from "../uploads/staged-file.ts";
import { inspectedBytes } from "../uploads/type-detection.ts";
import type { UploadWith } from "../uploads/upload-form.ts";
import type { UploadServices } from "../uploads/upload-parser.ts";
import { SourceError, unreadable } from "./source-folder.ts";

const chunkBytes = 1024 ** 2;
const readFile = promisify(read);
const factsOf = promisify(fstat) as (file: number) => Promise<Stats>;

/** A file of the source that is open, and its path for the name of the post. */
export interface OpenFile {
  readonly path: string;
  readonly descriptor: number;
}

/** The limits of uploads, for a file whose size is known. */
export const limitsOf = ({ config, rewrapUpload }: UploadServices): FileLimits => ({
  maxBytes: { image: config.maxImageSize, video: config.maxVideoSize },
  transportStreams: rewrapUpload !== undefined,
});

/**
 * Copies an open file into a temp file, in constant memory, while it hashes the bytes and detects their type. The caller must
 * remove the temp file; after a failure there is none.
 * @throws ApiError UNSUPPORTED_MEDIA, FILE_TOO_LARGE, STORAGE_FULL, STORE_UNAVAILABLE; ValidationProblems for an empty file;
 * SourceError when the file cannot be read or changes meanwhile; the signal's reason
 */
export async function stageFile(
  services: UploadServices,
  file: OpenFile,
  accountId: string,
  signal: AbortSignal,
): Promise<UploadWith<IntakeType>> {
  const limits = limitsOf(services);
  const { size } = await factsOf(file.descriptor);
  const claim = await services.space.claim(accountId, size);
  await mkdir(services.tempDir, { recursive: true, mode: 0o700 });
  const temp = new TempFile(join(services.tempDir, crypto.randomUUID()), limits.maxBytes, limits);
  try {
    const type = await readChunks(file.descriptor, limits, signal, async (chunk) => {
      temp.write(chunk);
      await claim.received(temp.bytes);
      await temp.settle(false);
    });
    await temp.settle(true);
    return {
      file: Bun.file(temp.path),
      thumbnail: undefined,
      texts: {},
      facts: {
        sha256: temp.sha256(),
        bytes: temp.bytes,
        type,
        kind: kindOf(type),
        displayName: intakeName(basename(file.path), type),
      },
    };
  } catch (error) {
    await temp.discard();
    throw error;
  } finally {
    claim.release();
  }
}

/**
 * Hashes an open file that would be accepted by its type and size.
 * @returns the SHA-256 in hex and the number of bytes
 * @throws as {@link stageFile}
 */
export async function hashFile(
  services: UploadServices,
  { descriptor }: OpenFile,
  signal: AbortSignal,
): Promise<{ sha256: string; bytes: number }> {
  const hash = new Bun.CryptoHasher("sha256");
  let bytes = 0;
  await readChunks(descriptor, limitsOf(services), signal, async (chunk) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  return { sha256: hash.digest("hex"), bytes };
}

/**
 * Reads a file from its beginning, chunk by chunk, and checks that it did not change meanwhile.
 * @param take must copy a chunk to keep it
 * @returns the type, which the first chunk has shown
 */
async function readChunks(
  descriptor: number,
  limits: FileLimits,
  signal: AbortSignal,
  take: (chunk: Uint8Array) => Promise<void>,
): Promise<IntakeType> {
  const before = await factsOf(descriptor);
  if (before.size === 0)
    throw new ValidationProblems([problem("file", "value_error", "Value error, the file is empty")]);
  const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, before.size));
  let type: IntakeType | undefined;
  let bytes = 0;
  try {
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await readFile(descriptor, buffer, 0, buffer.length, bytes).catch(
        (error: unknown) => {
          throw unreadable(error);
        },
      );
      if (bytesRead === 0) break;
      const chunk = buffer.subarray(0, bytesRead);
      type ??= await requireAccepted(chunk.subarray(0, inspectedBytes), before.size, limits);
      bytes += bytesRead;
      if (bytes > before.size) break;
      await take(chunk);
    }
  } finally {
    buffer.buffer.transfer(0);
  }
  const after = await factsOf(descriptor);
  if (!type || bytes !== before.size || after.mtimeMs !== before.mtimeMs || after.size !== before.size)
    throw new SourceError("It was changed while it was read. Repeat the command.");
  return type;
}
