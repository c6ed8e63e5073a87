import { ApiError, apiErrors, ValidationProblems } from "../errors.ts";
import { JsonResponse } from "./json-response.ts";

/**
 * The only mapping of errors to HTTP responses. A 401 names the authentication scheme (RFC 9110, 15.5.2; RFC 6750, 3), a 503
 * says when to try again (RFC 9110, 10.2.3). An unknown error becomes a bare 500, because its message may hold secrets.
 */
export function errorResponse(error: unknown): Response {
  if (error instanceof ValidationProblems)
    return JsonResponse.of({ detail: error.problems }, { status: 422 });
  const { code, options } = error instanceof ApiError ? error : new ApiError("INTERNAL");
  const { status, detail } = apiErrors[code];
  const body = options.reason === undefined ? (options.detail ?? detail) : { code, reason: options.reason };
  const response = JsonResponse.of({ detail: body }, { status, headers: options.headers ?? {} });
  if (status === 401) response.headers.set("www-authenticate", "Bearer");
  if (status === 503 && !response.headers.has("retry-after")) response.headers.set("retry-after", "5");
  return response;
}
