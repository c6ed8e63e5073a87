import { ApiError, ValidationProblems } from "../errors.ts";
import { inTurn } from "./fair-share.ts";
import { Pace } from "./pace.ts";

/** Hears of the parts of a multipart form as they come in. */
export interface MultipartListener {
  /**
   * A part with a file name begins; what is returned gets its bytes, which are gone when it is done with them; nothing
   * returned: they are passed over.
   */
  startFile(name: string, fileName: string): ((chunk: Uint8Array) => void) | undefined;
  /** A text part, whole. `truncated`: it was longer than is sensible. */
  field(name: string, value: string, truncated: boolean): void;
}

/**
 * Reads a `multipart/form-data` body (RFC 7578) chunk by chunk; the next chunk waits for `between`, which is told how
 * many bytes have come, so that memory stays constant however fast the client sends.
 * @throws ValidationProblems when the body is no multipart form (FastAPI then misses the file), ApiError BAD_MULTIPART
 * when it is broken or cut short, UPLOAD_TOO_SLOW; the request's AbortError when the client goes away; whatever
 * listener and `between` throw
 */
export async function readMultipart(
  request: Request,
  listener: MultipartListener,
  between: (received: number) => Promise<void>,
): Promise<void> {
  const contentType = request.headers.get("content-type") ?? "";
  if (!/^multipart\/form-data\s*(;|$)/i.test(contentType) || !request.body)
    throw new ValidationProblems([{ type: "missing", loc: ["body", "file"], msg: "Field required" }]);
  const form = await openForm(contentType, listener);
  const reader = request.body.getReader();
  const pace = new Pace();
  let received = 0;
  let counted = 0;
  let waiting = false;
  let tooSlow = false;
  const watch = setInterval(() => {
    // While the disk is waited for the client has no chance to send.
    if (!waiting) return;
    tooSlow ||= pace.isTooSlow(received - counted);
    counted = received;
    // Nothing short of cancelling the body ends a read that waits for a trickling client.
    if (tooSlow) void reader.cancel();
  }, 1000);
  try {
    for (;;) {
      waiting = true;
      const { value, done } = await reader.read();
      waiting = false;
      if (tooSlow) throw new ApiError("UPLOAD_TOO_SLOW", { headers: { connection: "close" } });
      if (done) break;
      received += value.length;
      await inTurn(() => form.write(value));
      await between(received);
    }
    await form.end();
  } catch (error) {
    form.abandon();
    throw error;
  } finally {
    clearInterval(watch);
    reader.releaseLock();
  }
}

/** A Busboy form whose every outcome is a promise: none of its streams can emit an error that nobody hears. */
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
  let handedOver: ArrayBufferLike | undefined;

  form.on("file", (name, stream, fileName) => {
    files.add(stream);
    stream.on("error", fail);
    stream.on("end", () => files.delete(stream));
    const take = listener.startFile(name ?? "", fileName ?? "");
    stream.on("data", (bytes: Uint8Array) => {
      take?.(bytes);
      if (bytes.length === bytes.buffer.byteLength) handedOver = bytes.buffer;
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
      // What went out to its last byte is nobody's any more, and freed at once: the chunks of a large file
      // are garbage faster than the collector notices.
      if (handedOver === chunk.buffer) chunk.buffer.transfer(0);
    },
    async end(): Promise<void> {
      form.end();
      await finished;
    },
    /** Lets go of everything; an open part would otherwise wait for its end for ever. */
    abandon(): void {
      for (const file of files) file.destroy();
      form.destroy();
    },
  };
}

/** The library is loaded by the first upload, not at start. */
async function newBusboy(contentType: string) {
  const { Busboy } = await import("@fastify/busboy");
  try {
    return new Busboy({
      headers: { "content-type": contentType },
      isPartAFile: (_name, _type, fileName) => fileName !== undefined,
      // No part is ever full: one without a listener that fills up and ends within one chunk stops the form for good.
      // The next chunk waits for `between` anyway.
      fileHwm: 2 ** 30,
      limits: { parts: 100, fields: 100, files: 10, fieldSize: 64 * 1024, headerPairs: 50 },
    });
  } catch {
    throw new ApiError("BAD_MULTIPART");
  }
}
