import { expect, test } from "bun:test";

import { createYieldToEventLoop } from "../../src/concurrency/yield-to-event-loop.ts";
import { readMultipart } from "../../src/uploads/multipart.ts";

/** Reads a form with a file between two captions from these chunks. Returns the bytes of the file part. */
async function readFile(chunks: Uint8Array[]): Promise<Buffer> {
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
  });
  const headers = { "content-type": "multipart/form-data; boundary=BB" };
  const request = new Request("http://localhost/upload", { method: "POST", headers, body });
  const pieces: Buffer[] = [];
  const fields: string[] = [];
  const listener = {
    startFile: () => (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes)),
    field: (_name: string, value: string) => void fields.push(value),
  };
  await readMultipart(request, listener, async () => {}, createYieldToEventLoop());
  expect(fields).toEqual(["before", "after"]);
  return Buffer.concat(pieces);
}

const text = (caption: string) =>
  `--BB\r\nContent-Disposition: form-data; name="caption"\r\n\r\n${caption}\r\n`;
const head = Buffer.from(
  `${text("before")}--BB\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n`,
);
const tail = Buffer.from(`\r\n${text("after")}--BB--\r\n`);

test("multipart: reads a file byte for byte, wherever the body is split into chunks", async () => {
  // Repeats almost a boundary, so that many chunks end within a possible one.
  const almost = ["\r", "\r\n", "\r\n-", "\r\n--", "\r\n--B", "\r\n--BA", "A", "x".repeat(50)];
  let seed = 7;
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 300; round++) {
    const file = Buffer.from(
      Array.from({ length: random(60) }, () => almost[random(almost.length)]).join(""),
    );
    const whole = Buffer.concat([head, file, tail]);
    const chunks: Uint8Array[] = [];
    for (let start = 0; start < whole.length;) {
      const end = Math.min(whole.length, start + 1 + random(random(3) === 0 ? 400 : 12));
      chunks.push(Uint8Array.from(whole.subarray(start, end)));
      start = end;
    }
    expect([round, (await readFile(chunks)).toString("latin1")]).toEqual([round, file.toString("latin1")]);
  }
});

test("multipart: frees a chunk only after the parser has emitted all of it", async () => {
  const bodies = Array.from({ length: 20 }, (_, value) => new Uint8Array(65_536).fill(100 + value));
  const mayEndThePart = new Uint8Array(65_536).fill(99);
  mayEndThePart.set(Buffer.from("\r\n--"), 65_532);
  const sent = [Uint8Array.from(head), ...bodies.slice(0, 10), mayEndThePart, ...bodies.slice(10)];
  const last = Uint8Array.from(tail);
  const expected = Buffer.concat(sent.slice(1));
  const file = await readFile([...sent, last]);
  expect(file.equals(expected)).toBeTrue();
  expect([sent[0]!.length, mayEndThePart.length, last.length]).toEqual([head.length, 65_536, tail.length]);
  expect(bodies.filter(({ length }) => length > 0).length).toBeLessThanOrEqual(1);
});
