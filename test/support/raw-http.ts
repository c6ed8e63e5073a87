import { connect } from "node:net";

/** What came back over one connection. */
export interface Exchange {
  /** Status codes of the answers, in their order; 100 (Continue) too. */
  readonly statuses: number[];
  readonly text: string;
  /** Whether the service ended the connection. */
  readonly closed: boolean;
}

/** Milliseconds after which an answer does not come any more. */
export const longEnough = 20_000;

/**
 * Sends bytes as they are over a connection of their own, in these pieces, and listens until the service ends the
 * connection, or has sent the answers and then been quiet for a while.
 * @param options `answers`: how many to wait for at least; `quiet`: milliseconds without another byte, by which nothing
 * more is coming, or {@link longEnough} when the service must end the connection; `end`: close the sending side
 */
export async function exchange(
  address: string,
  pieces: (string | Uint8Array)[],
  { answers = 1, quiet = 250, end = false } = {},
): Promise<Exchange> {
  const { hostname, port } = new URL(address);
  const received: Buffer[] = [];
  const { promise: over, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(Number(port), hostname);
  const text = () => Buffer.concat(received).toString("latin1");
  let timer = setTimeout(() => {}, 0);
  const listen = () => {
    clearTimeout(timer);
    const isAnswered = statusesOf(text()).length >= answers;
    timer = setTimeout(() => resolve(false), isAnswered ? quiet : longEnough);
  };
  socket.on("data", (data) => {
    received.push(Buffer.from(data));
    listen();
  });
  socket.on("close", () => resolve(true));
  // Ended by the service while we were still sending: what it said before counts.
  socket.on("error", () => {});
  socket.on("connect", async () => {
    for (const [i, piece] of pieces.entries()) {
      if (i > 0) await Bun.sleep(30);
      if (!socket.writable) break;
      socket.write(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece);
    }
    if (end) socket.end();
    listen();
  });
  const closed = await over;
  clearTimeout(timer);
  socket.destroy();
  return { statuses: statusesOf(text()), text: text(), closed };
}

/** Status lines begin answers; a body is passed over by its length. */
function statusesOf(text: string): number[] {
  const statuses: number[] = [];
  for (let rest = text; rest.length > 0;) {
    const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(rest) ?? [];
    const headEnd = rest.indexOf("\r\n\r\n");
    if (status === undefined || headEnd === -1) break;
    statuses.push(Number(status));
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(rest.slice(0, headEnd))?.[1] ?? 0);
    rest = rest.slice(headEnd + 4 + (status === "304" || status === "204" ? 0 : length));
  }
  return statuses;
}

/** The head of a request: its line and headers, and the empty line. */
export const head = (line: string, ...headers: string[]): string => [line, ...headers, "", ""].join("\r\n");
