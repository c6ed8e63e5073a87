import { expect, test } from "bun:test";

import { listImageKitFiles } from "../../src/storage/imagekit-listing.ts";

test("imagekit listing: leaves out entries whose id could not be told from a path", async () => {
  const entry = (fileId: unknown) => ({ fileId, filePath: "/a.jpg", size: 1 });
  const server = Bun.serve({
    port: 0,
    fetch: () =>
      Response.json([
        ...[null, 5, "text", {}, []],
        ...["", "1/other.jpg", "/other.jpg", "a\0b", "\ud800", "a".repeat(300), 7].map(entry),
        entry("66f0c0ffee0123456789abcd"),
      ]),
  });
  try {
    const access = { privateKey: "private", baseUrl: server.url.href };
    const pages = await Array.fromAsync(listImageKitFiles(access, new AbortController().signal));
    expect(pages.flat().map(({ fileId }) => fileId)).toEqual(["66f0c0ffee0123456789abcd"]);
  } finally {
    await server.stop(true);
  }
});

test("imagekit listing: errors have no characters that a terminal would obey", async () => {
  const responses = [
    new Response("no\u001b]0;title\u0007\u009b31m\u202e", { status: 403 }),
    Response.json(
      { message: "no\u001b[2J\u009b31m" },
      { status: 400, headers: { "x-ik-requestid": "1\u009b" } },
    ),
  ];
  const server = Bun.serve({ port: 0, fetch: () => responses.pop()! });
  try {
    const access = { privateKey: "private", baseUrl: server.url.href };
    while (responses.length > 0) {
      const failure = await Array.fromAsync(listImageKitFiles(access, new AbortController().signal)).catch(
        (error: Error) => error,
      );
      const { message } = (failure as Error).cause as Error;
      expect(message).toMatch(/^ImageKit 40[03]: .*no/);
      expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
  } finally {
    await server.stop(true);
  }
});

test("imagekit listing: gives up an answer that is far too long", async () => {
  let sent = 0;
  const endless = () =>
    new ReadableStream({
      pull(stream) {
        sent += 1024 ** 2;
        stream.enqueue(new Uint8Array(1024 ** 2).fill(32));
      },
    });
  const server = Bun.serve({
    port: 0,
    fetch: () => new Response(endless(), { headers: { "content-type": "application/json" } }),
  });
  try {
    const access = { privateKey: "private", baseUrl: server.url.href };
    const pages = listImageKitFiles(access, new AbortController().signal);
    await expect(Array.fromAsync(pages)).rejects.toMatchObject({
      cause: { message: "ImageKit gave no usable answer: its response has more than 33554432 bytes" },
    });
    // Three attempts, with what the connection buffers.
    expect(sent).toBeLessThan(3 * 64 * 1024 ** 2);
  } finally {
    await server.stop(true);
  }
});

test("imagekit listing: gives up when ImageKit sends the same page again and again", async () => {
  const page = Array.from({ length: 1000 }, (_, i) => ({ fileId: `id${i}`, filePath: `/${i}.jpg`, size: 1 }));
  let requests = 0;
  const server = Bun.serve({ port: 0, fetch: () => Response.json(++requests > 5 ? [] : page) });
  try {
    const access = { privateKey: "private", baseUrl: server.url.href };
    const pages = listImageKitFiles(access, new AbortController().signal);
    await expect(Array.fromAsync(pages)).rejects.toMatchObject({
      cause: { message: expect.stringContaining("the same files again") },
    });
  } finally {
    await server.stop(true);
  }
});
