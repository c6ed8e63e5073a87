import { describe, expect, test } from "bun:test";

import { createCompression, type Coding, type Sent } from "../../src/http/compression.ts";
import { JsonResponse } from "../../src/http/json-response.ts";

const asking = (coding: string) =>
  new Request("http://localhost/feed", { headers: { "accept-encoding": coding } });

/** JSON of this many bytes, different for each call, that compresses about as well as a feed page. */
function jsonOf(bytes: number): string {
  let text = '{"posts":[';
  while (text.length < bytes) text += `"${crypto.randomUUID()} a photo, shared with everybody",`;
  return `${text}null]}`;
}

async function decoded({ response }: Sent): Promise<string> {
  const bytes = await response.bytes();
  const coding = response.headers.get("content-encoding");
  if (coding === "zstd") return Bun.zstdDecompressSync(bytes).toString();
  return Buffer.from(coding === "gzip" ? Bun.gunzipSync(bytes) : bytes).toString();
}

describe("compression: responses", () => {
  test.each([2_000, 60_000, 70_000, 250_000, 270_000, 1_000_000])(
    "compression: %d bytes keep their content, status and headers",
    async (bytes) => {
      const compress = createCompression();
      const text = jsonOf(bytes);
      for (const coding of ["gzip", "zstd"] as Coding[]) {
        const answer = new JsonResponse(text, { status: 418, headers: { link: "next" } });
        const sent = await compress(asking(coding), answer);
        expect(sent.response.status).toBe(418);
        expect(sent.response.headers.get("link")).toBe("next");
        expect(sent.response.headers.get("content-encoding")).toBe(coding);
        expect(sent.bytes).toBe((await sent.response.clone().bytes()).length);
        expect(sent.bytes).toBeLessThan(0.8 * text.length);
        expect(await decoded(sent)).toBe(text);
      }
    },
  );

  test("compression: compresses a large response off the event loop", async () => {
    let turns = 0;
    let over = false;
    const compressing = Promise.resolve(
      createCompression()(asking("gzip"), new JsonResponse(jsonOf(8_000_000))),
    );
    void compressing.finally(() => (over = true));
    while (!over) {
      await new Promise((resolve) => setImmediate(resolve));
      turns += 1;
    }
    // On the event loop it would take a single turn.
    expect(turns).toBeGreaterThan(10);
    expect((await compressing).response.headers.get("content-encoding")).toBe("gzip");
  });

  test("compression: compresses a small response synchronously", () => {
    const sent = createCompression()(asking("gzip"), new JsonResponse(jsonOf(30_000)));
    expect(sent).not.toBeInstanceOf(Promise);
  });

  test("compression: two hundred requests for the same page share one copy", async () => {
    const compress = createCompression();
    const text = jsonOf(500_000);
    const sent = await Promise.all(
      Array.from({ length: 200 }, () => compress(asking("gzip"), new JsonResponse(text))),
    );
    for (const { response } of sent) expect(response.headers.get("content-encoding")).toBe("gzip");
    expect(await decoded(sent[199]!)).toBe(text);
    // So does a later request, when no compression is running.
    const again = await compress(asking("gzip"), new JsonResponse(text));
    expect(again.bytes).toBe(sent[0]!.bytes);
  });

  test("compression: sends most of two hundred different concurrent pages uncompressed", async () => {
    const compress = createCompression();
    const texts = Array.from({ length: 200 }, () => jsonOf(300_000));
    const sent = await Promise.all(texts.map((text) => compress(asking("zstd"), new JsonResponse(text))));
    const plain = sent.filter(({ response }) => !response.headers.has("content-encoding"));
    expect(plain.length).toBe(200 - 9);
    for (const [i, each] of sent.entries()) expect(await decoded(each)).toBe(texts[i]!);
    // A page that was sent uncompressed is compressed the next time.
    const { response } = await compress(asking("zstd"), new JsonResponse(texts[199]!));
    expect(response.headers.get("content-encoding")).toBe("zstd");
  });

  test("compression: does not compress a HEAD response", async () => {
    const head = new Request("http://localhost/", { method: "HEAD", headers: { "accept-encoding": "gzip" } });
    const { response, bytes } = await createCompression()(head, new JsonResponse(jsonOf(100_000)));
    expect([response.headers.get("content-encoding"), bytes]).toEqual([null, 0]);
  });
});
