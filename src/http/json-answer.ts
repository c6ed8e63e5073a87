/** A JSON answer that knows its text: to measure or compress it nobody has to read the body, which is slow. */
export class JsonAnswer extends Response {
  /** @param written JSON */
  constructor(
    readonly written: string,
    { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
  ) {
    super(written, { status, headers: { "content-type": "application/json", ...headers } });
  }

  /** An answer that holds a value. */
  static of(value: unknown, init: { status?: number; headers?: Record<string, string> } = {}): JsonAnswer {
    return new JsonAnswer(JSON.stringify(value), init);
  }
}
