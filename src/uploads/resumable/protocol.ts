import { ApiError, ValidationProblems, type Problem } from "../../errors.ts";

// The headers of tus 1.0.0 (https://tus.io/protocols/resumable-upload). Section names in comments are those of this
// specification.

export const tusVersion = "1.0.0";
export const tusExtensions = "creation,creation-with-upload,expiration,checksum,termination";
export const uploadContentType = "application/offset+octet-stream";

const headerProblem = (name: string, type: Problem["type"], msg: string) =>
  new ValidationProblems([{ type, loc: ["header", name], msg }]);

/**
 * Tus-Resumable: "If the version specified by the Client is not supported by the Server, it MUST respond with the 412
 * Precondition Failed status and MUST include the Tus-Version header into the response. In addition, the Server MUST NOT
 * process the request."
 * @throws ApiError TUS_VERSION_UNSUPPORTED, also without the header, which "MUST be included in every request"
 */
export function requireVersion(headers: Headers): void {
  if (headers.get("tus-resumable") !== tusVersion)
    throw new ApiError("TUS_VERSION_UNSUPPORTED", { headers: { "tus-version": tusVersion } });
}

/** Whether the request has a body of an upload's bytes. */
export const hasUploadBody = (headers: Headers): boolean =>
  headers.get("content-type")?.split(";", 1)[0]!.trim().toLowerCase() === uploadContentType;

/**
 * PATCH: "All PATCH requests MUST use Content-Type: application/offset+octet-stream, otherwise the server SHOULD return a
 * 415 Unsupported Media Type status."
 * @throws ApiError UPLOAD_CONTENT_TYPE
 */
export function requireUploadBody(headers: Headers): void {
  if (!hasUploadBody(headers)) throw new ApiError("UPLOAD_CONTENT_TYPE");
}

/**
 * Upload-Length: "The value MUST be a non-negative integer." An empty file cannot be shared. Without the extension
 * creation-defer-length, which is not supported, the header is required (Creation, POST).
 * @throws ValidationProblems
 */
export function readUploadLength(headers: Headers): number {
  const length = readInteger(headers, "upload-length");
  if (length === 0) throw headerProblem("upload-length", "value_error", "Value error, the file is empty");
  return length;
}

/**
 * Upload-Offset: "The value MUST be a non-negative integer."
 * @throws ValidationProblems
 */
export const readUploadOffset = (headers: Headers): number => readInteger(headers, "upload-offset");

function readInteger(headers: Headers, name: string): number {
  const text = headers.get(name);
  if (text === null) throw headerProblem(name, "missing", "Field required");
  const value = /^\d{1,20}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value))
    throw headerProblem(name, "int_parsing", "Input should be a valid integer, unable to parse string");
  return value;
}
