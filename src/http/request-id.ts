import { traceIdOf } from "./trace-context.ts";

const known = new WeakMap<Request, string>();

/** Random once a process and counted from there: a random id each cost a fifth of a small request. */
const origin = crypto.randomUUID().slice(0, 13);
let counted = 0;

/**
 * The name of a request in logs and answers: the caller's own where it is harmless, so that one name follows a request
 * through every service, else a fresh one.
 */
export function requestId(request: Request): string {
  const id = lastRequestId(request);
  known.set(request, id);
  return id;
}

/** What a line of the log that is about a request tells of it. */
export const requestFields = (request: Request): { id: string; trace_id: string | undefined } => ({
  id: requestId(request),
  trace_id: traceIdOf(request),
});

/** The same for who asks last: nothing is remembered, because few requests are named more than once. */
export function lastRequestId(request: Request): string {
  const id = known.get(request);
  if (id !== undefined) return id;
  const given = request.headers.get("x-request-id");
  return given !== null && /^[\w.:-]{1,128}$/.test(given) ? given : `${origin}-${(++counted).toString(36)}`;
}
