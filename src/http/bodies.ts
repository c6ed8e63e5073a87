import { ApiError, ValidationProblems } from "../errors.ts";
import { silenceSeconds } from "./connections.ts";

/** Limit for all bodies except uploads. */
const maxBodyBytes = 64 * 1024;

/**
 * Reads the body of a JSON route, which must be an object. Elysia's own parser is not used: it accepts any size,
 * repeats invalid input in its errors, and turns arrays into objects.
 * @throws ValidationProblems `missing`, `json_invalid` or `model_attributes_type`, with FastAPI's messages; ApiError
 * BODY_TOO_LARGE, BODY_TOO_SLOW
 */
export async function readJson({ request }: { request: Request }): Promise<Record<string, unknown>> {
  const bytes = await readBytes(request);
  if (bytes.length === 0)
    throw new ValidationProblems([{ type: "missing", loc: ["body"], msg: "Field required" }]);
  const type = mediaTypeOf(request);
  // Like FastAPI, requires the content type. Pages of other origins cannot send it without a CORS preflight.
  const isJson = type === "application/json" || /^application\/[\w.-]+\+json$/.test(type);
  const body = isJson ? parseJson(bytes) : undefined;
  if (body === null)
    throw new ValidationProblems([{ type: "missing", loc: ["body"], msg: "Field required" }]);
  if (typeof body !== "object" || Array.isArray(body)) {
    const msg = "Input should be a valid dictionary or object to extract fields from";
    throw new ValidationProblems([{ type: "model_attributes_type", loc: ["body"], msg }]);
  }
  // No schema has nested fields, so the content of a nested value does not matter. Emptying it keeps Elysia's recursive
  // validation from overflowing the stack.
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
 * Reads the fields of an urlencoded or multipart form. Like FastAPI, ignores blank fields. A body of any other type has no
 * fields.
 * @throws ApiError BAD_MULTIPART, BODY_TOO_LARGE, BODY_TOO_SLOW
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
  // The last value of a repeated field counts, even if it is blank.
  return Object.fromEntries(Object.entries(Object.fromEntries(fields)).filter(([, value]) => value !== ""));
}

const mediaTypeOf = (request: Request) =>
  (request.headers.get("content-type") ?? "").split(";", 1)[0]!.trim().toLowerCase();

async function readBytes(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () => new ApiError("BODY_TOO_LARGE");
  if (Number(request.headers.get("content-length")) > maxBodyBytes) throw tooLarge();
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
      if (length > maxBodyBytes) throw tooLarge();
      chunks.push(value);
    }
  } finally {
    clearTimeout(deadline);
    reader.releaseLock();
  }
  return new Uint8Array(Buffer.concat(chunks, length));
}

/** For routes that take no body: leaves a body unread. */
export const ignoreBody = (): null => null;
