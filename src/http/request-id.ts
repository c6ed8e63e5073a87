import { traceIdOf } from "./trace-context.ts";

/**
 * Identifies requests in responses and in the log. A client's own `X-Request-ID` is kept where it is harmless, so that one id
 * follows a request through several services.
 */
export class RequestIds {
  readonly #ids = new WeakMap<Request, string>();
  /** Random once per process and followed by a counter: a random id each took a fifth of a small request's time. */
  readonly #prefix = crypto.randomUUID().slice(0, 13);
  #count = 0;

  /** The same id for every call with the same request. */
  of(request: Request): string {
    let id = this.#ids.get(request);
    if (id === undefined) {
      const given = request.headers.get("x-request-id");
      const isHarmless = given !== null && /^[\w.:-]{1,128}$/.test(given);
      id = isHarmless ? given : `${this.#prefix}-${(++this.#count).toString(36)}`;
      this.#ids.set(request, id);
    }
    return id;
  }

  /** The fields of a log line about a request. */
  fieldsOf(request: Request): { id: string; trace_id: string | undefined } {
    return { id: this.of(request), trace_id: traceIdOf(request) };
  }
}
