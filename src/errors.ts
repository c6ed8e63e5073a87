import { unsupportedDetail } from "./media-types.ts";

/** Every error that the API can return: its HTTP status, and the `detail` of the body, worded as in FastAPI Users. */
export const apiErrors = {
  UNAUTHORIZED: { status: 401, detail: "Unauthorized" },
  FORBIDDEN: { status: 403, detail: "Forbidden" },
  NOT_FOUND: { status: 404, detail: "Not Found" },
  CROSS_ORIGIN_REQUEST: { status: 403, detail: "CROSS_ORIGIN_REQUEST" },
  METHOD_NOT_ALLOWED: { status: 405, detail: "Method Not Allowed" },
  PRECONDITION_FAILED: { status: 412, detail: "Precondition Failed" },
  BODY_TOO_LARGE: { status: 413, detail: "Request body too large" },
  BODY_TOO_SLOW: { status: 408, detail: "The request body came too slowly" },
  BAD_MULTIPART: { status: 400, detail: "There was an error parsing the body" },
  TOO_MANY_REQUESTS: { status: 429, detail: "Too many requests" },
  /** For the log and the metrics only, because the client has disconnected. */
  CLIENT_GONE: { status: 499, detail: "The client went away" },
  INTERNAL: { status: 500, detail: "Internal Server Error" },
  OVERLOADED: { status: 503, detail: "Too busy, try again shortly" },
  STOPPING: { status: 503, detail: "The service is stopping, try again shortly" },
  UNAVAILABLE: { status: 503, detail: "Service temporarily unavailable" },

  REGISTER_USER_ALREADY_EXISTS: { status: 400, detail: "REGISTER_USER_ALREADY_EXISTS" },
  REGISTER_CLOSED: { status: 403, detail: "REGISTER_CLOSED" },
  REGISTER_BAD_INVITATION: { status: 400, detail: "REGISTER_BAD_INVITATION" },
  REGISTER_INVALID_PASSWORD: { status: 400, detail: "REGISTER_INVALID_PASSWORD" },
  LOGIN_BAD_CREDENTIALS: { status: 400, detail: "LOGIN_BAD_CREDENTIALS" },
  LOGIN_USER_NOT_VERIFIED: { status: 400, detail: "LOGIN_USER_NOT_VERIFIED" },
  RESET_PASSWORD_BAD_TOKEN: { status: 400, detail: "RESET_PASSWORD_BAD_TOKEN" },
  RESET_PASSWORD_INVALID_PASSWORD: { status: 400, detail: "RESET_PASSWORD_INVALID_PASSWORD" },
  VERIFY_USER_BAD_TOKEN: { status: 400, detail: "VERIFY_USER_BAD_TOKEN" },
  VERIFY_USER_ALREADY_VERIFIED: { status: 400, detail: "VERIFY_USER_ALREADY_VERIFIED" },
  UPDATE_USER_EMAIL_ALREADY_EXISTS: { status: 400, detail: "UPDATE_USER_EMAIL_ALREADY_EXISTS" },
  UPDATE_USER_INVALID_PASSWORD: { status: 400, detail: "UPDATE_USER_INVALID_PASSWORD" },
  PASSWORD_LOGIN_OFF: { status: 403, detail: "PASSWORD_LOGIN_OFF" },
  OAUTH_INVALID_STATE: { status: 400, detail: "OAUTH_INVALID_STATE" },
  OAUTH_ACCESS_DENIED: { status: 400, detail: "OAUTH_ACCESS_DENIED" },
  OAUTH_FAILED: { status: 400, detail: "OAUTH_FAILED" },
  OAUTH_NOT_AVAILABLE_EMAIL: { status: 400, detail: "OAUTH_NOT_AVAILABLE_EMAIL" },
  OAUTH_USER_ALREADY_EXISTS: { status: 400, detail: "OAUTH_USER_ALREADY_EXISTS" },
  OAUTH_PROVIDER_UNAVAILABLE: { status: 503, detail: "OAUTH_PROVIDER_UNAVAILABLE" },
  LAST_SIGN_IN_METHOD: { status: 400, detail: "LAST_SIGN_IN_METHOD" },
  CURRENT_PASSWORD_REQUIRED: { status: 400, detail: "CURRENT_PASSWORD_REQUIRED" },
  CURRENT_PASSWORD_WRONG: { status: 400, detail: "CURRENT_PASSWORD_WRONG" },

  POST_NOT_FOUND: { status: 404, detail: "Post not found" },
  NOT_YOUR_POST: { status: 403, detail: "Not authorized to delete this post" },
  NOT_YOUR_POST_TO_EDIT: { status: 403, detail: "Not authorized to edit this post" },
  QUOTA_EXCEEDED: { status: 413, detail: "QUOTA_EXCEEDED" },
  TOO_MANY_UPLOADS: { status: 429, detail: "Too many uploads at once" },
  UPLOAD_IN_PROGRESS: { status: 409, detail: "An upload with this Idempotency-Key is still running" },
  UNSUPPORTED_MEDIA: {
    status: 415,
    detail: unsupportedDetail({ transportStreams: false }),
  },
  DAMAGED_MEDIA: { status: 415, detail: "The file is damaged or not what it claims to be" },
  CUT_OFF_MEDIA: { status: 415, detail: "The file is cut off: part of the picture is missing" },
  FILE_TOO_LARGE: { status: 413, detail: "File too large" },
  UPLOAD_TOO_SLOW: { status: 408, detail: "The upload came too slowly" },
  TUS_VERSION_UNSUPPORTED: { status: 412, detail: "Only version 1.0.0 of tus is supported" },
  UPLOAD_CONTENT_TYPE: { status: 415, detail: "Content-Type must be application/offset+octet-stream" },
  UPLOAD_OFFSET: { status: 409, detail: "Upload-Offset is not the offset of the upload" },
  UPLOAD_LENGTH_EXCEEDED: { status: 413, detail: "The body goes beyond Upload-Length" },
  UPLOAD_LOCKED: { status: 423, detail: "Another request is working on the upload" },
  UPLOAD_NODE_UNREACHABLE: {
    status: 503,
    detail: "The machine that has the upload cannot be reached, try again shortly",
  },
  TOO_MANY_UNFINISHED: { status: 429, detail: "Too many unfinished uploads: finish or delete some" },
  BAD_CHECKSUM: { status: 400, detail: "Upload-Checksum must be a sha1 or sha256 checksum in Base64" },
  CHECKSUM_MISMATCH: { status: 460, detail: "The body does not have this checksum" },
  STORAGE_FULL: { status: 507, detail: "Storage is full" },
  STORE_UNAVAILABLE: { status: 503, detail: "The media store cannot be reached, try again shortly" },
  STORE_FAILED: { status: 502, detail: "The media store did not accept the file" },
} as const satisfies Record<string, { status: number; detail: string }>;

export type ApiErrorCode = keyof typeof apiErrors;

/** Optional details of an {@link ApiError}. */
export interface ApiErrorOptions {
  /** Turns the response's detail into `{code, reason}`, the shape FastAPI Users gives to password errors. */
  reason?: string;
  /** Replaces the table's detail text and must begin with it; for limits that depend on the configuration. */
  detail?: string;
  /** Extra response headers, such as `Retry-After` or `Allow`. */
  headers?: Record<string, string>;
  /** For the log only, never sent. */
  cause?: unknown;
}

/** An error of the table above. Any code may throw it; `http/error-response.ts` turns it into a response. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    readonly code: ApiErrorCode,
    readonly options: ApiErrorOptions = {},
  ) {
    super(code, { cause: options.cause });
  }
}

/** The values of {@link Problem.type}, a subset of pydantic's. */
export const problemTypes = [
  "missing",
  "value_error",
  "string_type",
  "string_too_long",
  "string_too_short",
  "string_pattern_mismatch",
  "bool_parsing",
  "int_parsing",
  "uuid_parsing",
  "greater_than_equal",
  "less_than_equal",
  "json_invalid",
  "model_attributes_type",
] as const;

/** One entry of a 422 response's `detail`, in pydantic's format. It never contains the submitted input. */
export interface Problem {
  type: (typeof problemTypes)[number];
  /** Location of the invalid value: `["body", "email"]`, `["query", "limit"]`, … */
  loc: (string | number)[];
  msg: string;
}

/** The request is well-formed but invalid. The response is a 422 that lists all {@link problems}. */
export class ValidationProblems extends Error {
  override readonly name = "ValidationProblems";
  constructor(readonly problems: Problem[]) {
    super("validation");
  }

  /** The messages without pydantic's prefix, for people. */
  get reasons(): string[] {
    return this.problems.map(({ msg }) => msg.replace(/^Value error, /, ""));
  }
}
