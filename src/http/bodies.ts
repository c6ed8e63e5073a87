import { ApiError, ValidationProblems } from "../errors.ts";
import { silenceSeconds } from "./connections.ts";

/** Bytes that any body but an upload may have. */
const maxBodySize = 64 * 1024;

/**
 * The object that a JSON route takes. Read by ourselves because Elysia's parser takes any size and echoes what it
 * cannot read, and its copy of the body makes an array an object.
 * @throws ValidationProblems `missing`, `json_invalid` or `model_attributes_type`, worded as FastAPI does
 */
export async function readJson({ request }: { request: Request }): Promise<Record<string, unknown>> {
  const bytes = await readBytes(request);
  if (bytes.length === 0)
    throw new ValidationProblems([{ type: "missing", loc: ["body"], msg: "Field required" }]);
  const type = mediaTypeOf(request);
  // As FastAPI does, none without its type: a page elsewhere can send a form or a blob, but not JSON unasked.
  const isJson = type === "application/json" || /^application\/[\w.-]+\+json$/.test(type);
  const body = isJson ? parseJson(bytes) : undefined;
  if (body === null)
    throw new ValidationProblems([{ type: "missing", loc: ["body"], msg: "Field required" }]);
  if (typeof body !== "object" || Array.isArray(body)) {
    const msg = "Input should be a valid dictionary or object to extract fields from";
    throw new ValidationProblems([{ type: "model_attributes_type", loc: ["body"], msg }]);
  }
  // No field is nested. What is nested all the same does not fit, whatever it holds, and is not worth a walk: one of
  // ten thousand levels ends Elysia's.
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, value instanceof Object ? {} : (value as unknown)]),
  );
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new ValidationProblems([{ type: "json_invalid", loc: ["body", 0], msg: "JSON decode error" }]);
  }
}

/**
 * The fields of an urlencoded or multipart form, blank ones left out as FastAPI does. Any other body has no fields.
 * @throws ApiError BAD_MULTIPART
 */
export async function readForm({ request }: { request: Request }): Promise<Record<string, unknown>> {
  const bytes = await readBytes(request);
  const type = mediaTypeOf(request);
  let fields: Iterable<[string, unknown]> = [];
  if (type === "application/x-www-form-urlencoded")
    fields = new URLSearchParams(new TextDecoder().decode(bytes));
  if (type === "multipart/form-data") {
    const headers = { "content-type": request.headers.get("content-type") ?? "" };
    fields = await new Response(bytes, { headers }).formData().catch((cause: unknown) => {
      throw new ApiError("BAD_MULTIPART", { cause });
    });
  }
  // Of a field given twice the last counts, blank or not.
  return Object.fromEntries(Object.entries(Object.fromEntries(fields)).filter(([, value]) => value !== ""));
}

const mediaTypeOf = (request: Request) =>
  (request.headers.get("content-type") ?? "").split(";", 1)[0]!.trim().toLowerCase();

async function readBytes(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () => new ApiError("BODY_TOO_LARGE");
  if (Number(request.headers.get("content-length")) > maxBodySize) throw tooLarge();
  if (!request.body) return new Uint8Array();
  const reader = request.body.getReader();
  let isLate = false;
  const deadline = setTimeout(() => {
    isLate = true;
    void reader.cancel();
  }, silenceSeconds * 1000);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (isLate) throw new ApiError("BODY_TOO_SLOW", { headers: { connection: "close" } });
      if (done) break;
      length += value.length;
      if (length > maxBodySize) throw tooLarge();
      chunks.push(value);
    }
  } finally {
    clearTimeout(deadline);
    reader.releaseLock();
  }
  return new Uint8Array(Buffer.concat(chunks, length));
}

/** For routes that take no body: one that comes all the same is not read, whatever it is. */
export const ignoreBody = (): null => null;
