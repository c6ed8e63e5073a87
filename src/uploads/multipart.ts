import { ApiError, ValidationProblems } from "../errors.ts";
import type { YieldToEventLoop } from "../concurrency/yield-to-event-loop.ts";
import { readPaced } from "./paced-body.ts";

/** Receives the parts of a multipart form as they arrive. */
export interface MultipartListener {
  /**
   * Called when a part with a file name begins.
   * @returns receives the part's bytes, which it must copy to keep; undefined skips the part
   */
  startFile(name: string, fileName: string): ((chunk: Uint8Array) => void) | undefined;
  /** Called with a whole text part. `truncated`: it was longer than 64 KiB. */
  field(name: string, value: string, truncated: boolean): void;
}

/**
 * Reads a `multipart/form-data` body (RFC 7578) chunk by chunk, in constant memory however fast the client sends.
 * @param between awaited before the next chunk; receives the number of bytes read so far
 * @throws ValidationProblems when the body is not a multipart form (like FastAPI, which reports a missing file); ApiError
 * BAD_MULTIPART when it is malformed or incomplete, UPLOAD_TOO_SLOW; the request's AbortError when the client disconnects;
 * any error of the listener or of `between`
 */
export async function readMultipart(
  request: Request,
  listener: MultipartListener,
  between: (received: number) => Promise<void>,
  yieldToEventLoop: YieldToEventLoop,
): Promise<void> {
  const contentType = request.headers.get("content-type") ?? "";
  if (!/^multipart\/form-data\s*(;|$)/i.test(contentType) || !request.body)
    throw new ValidationProblems([{ type: "missing", loc: ["body", "file"], msg: "Field required" }]);
  const form = await openForm(contentType, listener);
  let received = 0;
  try {
    await readPaced(request.body, async (chunk) => {
      received += chunk.length;
      await yieldToEventLoop(() => form.write(chunk));
      await between(received);
    });
    await form.end();
  } catch (error) {
    form.abandon();
    throw error;
  }
}

/**
 * Wraps a Busboy form in promises. It listens to the errors of every stream, because an unhandled one ends the process.
 */
async function openForm(contentType: string, listener: MultipartListener) {
  const form = await newBusboy(contentType);
  const { promise: finished, resolve, reject } = Promise.withResolvers<void>();
  finished.catch(() => {});
  let failed: unknown;
  const fail = (cause: unknown) => {
    failed ??= cause instanceof ApiError ? cause : new ApiError("BAD_MULTIPART");
    reject(failed);
  };
  const files = new Set<{ destroy(): void }>();
  /** The buffer of the last chunk that the parser has emitted as a whole. */
  let emitted: ArrayBufferLike | undefined;

  form.on("file", (name, stream, fileName) => {
    files.add(stream);
    stream.on("error", fail);
    stream.on("end", () => files.delete(stream));
    const take = listener.startFile(name ?? "", fileName ?? "");
    stream.on("data", (bytes: Uint8Array) => {
      take?.(bytes);
      if (bytes.length === bytes.buffer.byteLength) emitted = bytes.buffer;
    });
  });
  form.on("field", (name, value, _nameTruncated, truncated) => listener.field(name ?? "", value, truncated));
  for (const limit of ["partsLimit", "filesLimit", "fieldsLimit"] as const) form.on(limit, fail);
  form.on("error", fail);
  form.on("finish", resolve);

  return {
    async write(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
      const accepted = Promise.withResolvers<void>();
      form.write(chunk, () => accepted.resolve());
      await Promise.race([accepted.promise, finished]);
      if (failed) throw failed;
      // Frees the memory of a chunk that the parser has emitted to its last byte, so that it holds none of it any more. See
      // docs/decisions/0016-freed-chunks.md.
      if (emitted === chunk.buffer) chunk.buffer.transfer(0);
    },
    async end(): Promise<void> {
      form.end();
      await finished;
    },
    /** Destroys all streams; an open part would otherwise wait for its end forever. */
    abandon(): void {
      for (const file of files) file.destroy();
      form.destroy();
    },
  };
}

/** Loads the library with the first upload, so that startup stays fast. */
async function newBusboy(contentType: string) {
  const { Busboy } = await import("@fastify/busboy");
  try {
    return new Busboy({
      headers: { "content-type": contentType },
      isPartAFile: (_name, _type, fileName) => fileName !== undefined,
      // Parts never apply back-pressure, since a skipped part that fills up within one chunk would block the form forever.
      // The next chunk waits for `between` anyway.
      fileHwm: 2 ** 30,
      limits: { parts: 100, fields: 100, files: 10, fieldSize: 64 * 1024, headerPairs: 50 },
    });
  } catch {
    throw new ApiError("BAD_MULTIPART");
  }
}
