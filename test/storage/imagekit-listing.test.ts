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
