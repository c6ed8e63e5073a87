import { JsonAnswer } from "./http/json-answer.ts";

/**
 * Every error the API can answer, and nothing else: status and `detail` as FastAPI Users sends them.
 * A `reason` makes the detail `{code, reason}`, the shape FastAPI Users gives to password errors.
 */
export const apiErrors = {
  UNAUTHORIZED: { status: 401, detail: "Unauthorized" },
  FORBIDDEN: { status: 403, detail: "Forbidden" },
  NOT_FOUND: { status: 404, detail: "Not Found" },
  METHOD_NOT_ALLOWED: { status: 405, detail: "Method Not Allowed" },
  PRECONDITION_FAILED: { status: 412, detail: "Precondition Failed" },
  BODY_TOO_LARGE: { status: 413, detail: "Request body too large" },
  BODY_TOO_SLOW: { status: 408, detail: "The request body came too slowly" },
  BAD_MULTIPART: { status: 400, detail: "There was an error parsing the body" },
  TOO_MANY_REQUESTS: { status: 429, detail: "Too many requests" },
  /** Nobody hears it: for the log and the counts. */
  CLIENT_GONE: { status: 499, detail: "The client went away" },
  INTERNAL: { status: 500, detail: "Internal Server Error" },
  OVERLOADED: { status: 503, detail: "Too busy, try again shortly" },
  STOPPING: { status: 503, detail: "The service is stopping, try again shortly" },
  UNAVAILABLE: { status: 503, detail: "Service temporarily unavailable" },

  REGISTER_USER_ALREADY_EXISTS: { status: 400, detail: "REGISTER_USER_ALREADY_EXISTS" },
  REGISTER_INVALID_PASSWORD: { status: 400, detail: "REGISTER_INVALID_PASSWORD" },
  LOGIN_BAD_CREDENTIALS: { status: 400, detail: "LOGIN_BAD_CREDENTIALS" },
  LOGIN_USER_NOT_VERIFIED: { status: 400, detail: "LOGIN_USER_NOT_VERIFIED" },
  RESET_PASSWORD_BAD_TOKEN: { status: 400, detail: "RESET_PASSWORD_BAD_TOKEN" },
  RESET_PASSWORD_INVALID_PASSWORD: { status: 400, detail: "RESET_PASSWORD_INVALID_PASSWORD" },
  VERIFY_USER_BAD_TOKEN: { status: 400, detail: "VERIFY_USER_BAD_TOKEN" },
  VERIFY_USER_ALREADY_VERIFIED: { status: 400, detail: "VERIFY_USER_ALREADY_VERIFIED" },
  UPDATE_USER_EMAIL_ALREADY_EXISTS: { status: 400, detail: "UPDATE_USER_EMAIL_ALREADY_EXISTS" },
  UPDATE_USER_INVALID_PASSWORD: { status: 400, detail: "UPDATE_USER_INVALID_PASSWORD" },

  POST_NOT_FOUND: { status: 404, detail: "Post not found" },
  NOT_YOUR_POST: { status: 403, detail: "Not authorized to delete this post" },
  TOO_MANY_UPLOADS: { status: 429, detail: "Too many uploads at once" },
  UPLOAD_IN_PROGRESS: { status: 409, detail: "An upload with this Idempotency-Key is still running" },
  UNSUPPORTED_MEDIA: {
    status: 415,
    detail:
      "Only images (JPEG, PNG, GIF, WebP, AVIF, HEIC) and videos (MP4, MOV, WebM, MKV, AVI, 3GP, MPEG) can be shared",
  },
  DAMAGED_MEDIA: { status: 415, detail: "The file is damaged or not what it claims to be" },
  CUT_OFF_MEDIA: { status: 415, detail: "The file is cut off: part of the picture is missing" },
  FILE_TOO_LARGE: { status: 413, detail: "File too large" },
  UPLOAD_TOO_SLOW: { status: 408, detail: "The upload came too slowly" },
  STORAGE_FULL: { status: 507, detail: "Storage is full" },
  STORE_UNAVAILABLE: { status: 503, detail: "The media store cannot be reached, try again shortly" },
  STORE_FAILED: { status: 502, detail: "The media store did not accept the file" },
} as const satisfies Record<string, { status: number; detail: string }>;

export type ApiErrorCode = keyof typeof apiErrors;

/** What an error may carry beside its code. */
export interface ApiErrorOptions {
  /** Sent to the user: the answer's detail becomes `{code, reason}`. */
  reason?: string;
  /** Replaces the table's detail text, and begins with it; for limits that only the configuration knows. */
  detail?: string;
  /** Extra response headers, such as `Retry-After` or `Allow`. */
  headers?: Record<string, string>;
  /** For the log only, never sent. */
  cause?: unknown;
}

/** An error that is part of the API: thrown anywhere, mapped to HTTP by {@link errorResponse} alone. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    readonly code: ApiErrorCode,
    readonly options: ApiErrorOptions = {},
  ) {
    super(code, { cause: options.cause });
  }
}

/** The types of {@link Problem}, which are pydantic's. */
export const problemTypes = [
  "missing",
  "value_error",
  "string_type",
  "string_too_long",
  "string_too_short",
  "string_pattern_mismatch",
  "bool_parsing",
  "int_parsing",
  "greater_than_equal",
  "less_than_equal",
  "json_invalid",
  "model_attributes_type",
] as const;

/** One entry of a 422's `detail`, as pydantic words it; the submitted input is never part of it. */
export interface Problem {
  type: (typeof problemTypes)[number];
  /** Where: `["body", "email"]`, `["query", "limit"]`, … */
  loc: (string | number)[];
  msg: string;
}

/** The request was understood but does not fit: 422 with every {@link Problem}. */
export class ValidationProblems extends Error {
  override readonly name = "ValidationProblems";
  constructor(readonly problems: Problem[]) {
    super("validation");
  }
}

/**
 * The one mapping of errors to HTTP. A 401 names the scheme to use (RFC 9110, 15.5.2; RFC 6750, 3), a 503 says when to try
 * again (seconds, RFC 9110, 10.2.3). Unknown errors become a bare 500: their message may hold secrets.
 */
export function errorResponse(error: unknown): Response {
  if (error instanceof ValidationProblems) return JsonAnswer.of({ detail: error.problems }, { status: 422 });
  const { code, options } = error instanceof ApiError ? error : new ApiError("INTERNAL");
  const { status, detail } = apiErrors[code];
  const body = options.reason === undefined ? (options.detail ?? detail) : { code, reason: options.reason };
  const response = JsonAnswer.of({ detail: body }, { status, headers: options.headers ?? {} });
  if (status === 401) response.headers.set("www-authenticate", "Bearer");
  if (status === 503 && !response.headers.has("retry-after")) response.headers.set("retry-after", "5");
  return response;
}
