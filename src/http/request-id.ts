const known = new WeakMap<Request, string>();

/**
 * The name of a request in logs and answers: the caller's own where it is harmless, so that one name follows a request
 * through every service, else a fresh one.
 */
export function requestId(request: Request): string {
  let id = known.get(request);
  if (id === undefined) {
    const given = request.headers.get("x-request-id");
    id = given !== null && /^[\w.:-]{1,128}$/.test(given) ? given : Bun.randomUUIDv7();
    known.set(request, id);
  }
  return id;
}
