import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3Store } from "../../src/storage/s3-store.ts";
import { type FakeS3, type S3Fault, startFakeS3 } from "../support/fake-s3.ts";
import { newKey, sha256, staged, storeContract } from "./store-contract.ts";

const forever = new AbortController().signal;

function storeOn(
  fake: FakeS3,
  changes: { secretAccessKey?: string; publicUrl?: string; bucket?: string } = {},
) {
  const { bucket, url: endpoint, region, accessKeyId, secretAccessKey } = fake;
  const settings = { bucket, endpoint, region, accessKeyId, secretAccessKey, publicUrl: null, ...changes };
  return new S3Store(settings, { retryPauseMs: 1 });
}

storeContract("s3", async () => {
  const fake = await startFakeS3();
  return {
    store: storeOn(fake),
    content: async () => Object.fromEntries(fake.objects.entries().map(([key, { sha256 }]) => [key, sha256])),
    close: () => fake.close(),
  };
});

describe("S3 store", () => {
  let folder: string;
  let fake: FakeS3;
  let store: S3Store;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "s3-store-"));
    fake = await startFakeS3();
    store = storeOn(fake);
  });
  afterEach(() => {
    for (const method of ["GET", "PUT", "HEAD", "DELETE"] as const) fake.fail(method, null);
  });
  afterAll(async () => {
    await fake.close();
    await rm(folder, { recursive: true });
  });

  test("S3 store: lets shared caches in front of the bucket keep an object for five minutes", async () => {
    const key = newKey();
    await store.put(key, await staged(folder, "picture"), forever);
    expect(fake.objects.get(key)?.cacheControl).toBe("public, max-age=31536000, s-maxage=300, immutable");
  });

  test("S3 store: gives up an error whose text does not end", async () => {
    const endless = () => new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(64 * 1024)) });
    const server = Bun.serve({ port: 0, fetch: () => new Response(endless(), { status: 403 }) });
    try {
      const { bucket, region, accessKeyId, secretAccessKey } = fake;
      const settings = {
        bucket,
        endpoint: server.url.href,
        region,
        accessKeyId,
        secretAccessKey,
        publicUrl: null,
      };
      const reading = new S3Store(settings, { retryPauseMs: 1 }).read(newKey(), forever);
      await expect(reading).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    } finally {
      await server.stop(true);
    }
  });

  test("S3 store: tells the MD5 of a file from its ETag, and nothing of another ETag or a missing file", async () => {
    const key = newKey();
    expect(await store.md5(key, forever)).toBeNull();
    await store.put(key, await staged(folder, "picture"), forever);
    const md5 = new Bun.CryptoHasher("md5").update("picture").digest("hex");
    expect(await store.md5(key, forever)).toBe(md5);
    fake.fail("HEAD", "multipart ETag");
    expect(await store.md5(key, forever)).toBeNull();
    fake.fail("HEAD", "403");
    await expect(store.md5(key, forever)).rejects.toMatchObject({ code: "STORE_FAILED" });
  });

  test("S3 store: read retries a temporary failure, and takes a missing bucket for no missing file", async () => {
    const key = newKey();
    await store.put(key, await staged(folder, "picture"), forever);
    fake.fail("GET", "503", 2);
    expect(await new Response((await store.read(key, forever))!.stream).text()).toBe("picture");
    fake.fail("GET", "no bucket");
    await expect(store.read(key, forever)).rejects.toMatchObject({ code: "STORE_FAILED" });
    fake.fail("GET", "close after");
    await expect(store.read(key, forever)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  test("S3 store: sets the detected content type; without a public URL, /media redirects to the object", async () => {
    const key = newKey();
    const stored = await store.put(key, await staged(folder, "picture"), forever);
    expect(fake.objects.get(key)?.contentType).toBe("image/png");
    expect(stored).toEqual({ url: `/media/${key}`, storeId: null, renditions: null });
    const response = await fetch(store.signedUrl(key));
    expect(await response.text()).toBe("picture");
    expect((await fetch(store.signedUrl(key).split("?")[0] ?? "")).status).not.toBe(200);
  });

  test("S3 store: uses the public URL if there is one", async () => {
    const open = storeOn(fake, { publicUrl: "https://cdn.example.com/media/" });
    const key = newKey();
    const { url } = await open.put(key, await staged(folder, "picture"), forever);
    expect(url).toBe(`https://cdn.example.com/media/${key}`);
  });

  test.each([
    ["hang before", 1, "signal"],
    ["hang after", 1, "signal"],
    ["close in the body", 1, "works"],
    ["close in the body", 9, "STORE_UNAVAILABLE"],
    ["close after", 1, "works"],
    ["close after", 9, "STORE_UNAVAILABLE"],
    ["403", 9, "STORE_FAILED"],
    ["no bucket", 9, "STORE_FAILED"],
    ["quota", 9, "STORAGE_FULL"],
    ["too large", 9, "FILE_TOO_LARGE"],
    ["400 timeout", 2, "works"],
    ["400 timeout", 9, "STORE_UNAVAILABLE"],
    ["400", 1, "STORE_FAILED"],
    ["408", 2, "works"],
    ["408", 9, "STORE_UNAVAILABLE"],
    ["409", 2, "works"],
    ["409", 9, "STORE_UNAVAILABLE"],
    ["503", 2, "works"],
    ["503", 9, "STORE_UNAVAILABLE"],
  ] satisfies [S3Fault, number, string][])(
    "S3 store: put with %s, %d times, ends with %s",
    async (fault, times, outcome) => {
      const key = newKey();
      fake.fail("PUT", fault, times);
      const signal = outcome === "signal" ? AbortSignal.timeout(500) : forever;
      const put = store.put(key, await staged(folder, "x".repeat(300_000)), signal);
      const failure = await put.then(() => null).catch((error) => error);
      expect(failure?.code === 23 ? "signal" : (failure?.code ?? "works")).toBe(outcome);
      const shown = Bun.inspect(failure);
      for (const secret of [
        fake.secretAccessKey,
        fake.accessKeyId,
        "X-Amz-Signature",
        "<Code>",
        "internal-host",
      ]) {
        expect(shown).not.toContain(secret);
      }
      fake.fail("PUT", null);
      expect((await store.find(key, forever)) !== null).toBe(fake.objects.has(key));
      if (outcome === "works") expect(fake.objects.get(key)?.sha256).toBe(sha256("x".repeat(300_000)));
      await store.delete(key, null, forever);
      expect(fake.objects.has(key)).toBe(false);
    },
  );

  test("S3 store: retries a delete after a conflict", async () => {
    const key = newKey();
    await store.put(key, await staged(folder, "x"), forever);
    fake.fail("DELETE", "409", 2);
    await store.delete(key, null, forever);
    expect(fake.objects.has(key)).toBe(false);
  });

  test("S3 store: names downloads after the original file", async () => {
    const key = newKey();
    const name = `Søn's "first" photo 🌊.png`;
    await store.put(key, await staged(folder, "picture", "image/png", name), forever);
    const { headers } = await fetch(store.signedUrl(key));
    expect(headers.get("content-disposition")).toBe(
      `inline; filename="S_n's _first_ photo __.png"; filename*=UTF-8''S%C3%B8n%27s%20%22first%22%20photo%20%F0%9F%8C%8A.png`,
    );
  });

  test("S3 store: delete fails when the bucket does not exist", async () => {
    const lost = storeOn(fake, { bucket: "elsewhere" });
    await expect(lost.delete(newKey(), null, forever)).rejects.toMatchObject({ code: "STORE_FAILED" });
  });

  test("S3 store: does not retry with a wrong secret, and the error does not contain it", async () => {
    const wrong = storeOn(fake, { secretAccessKey: "wrong-secret" });
    const before = fake.calls.length;
    const failure = await wrong.put(newKey(), await staged(folder, "x"), forever).catch((error) => error);
    expect(failure).toMatchObject({ code: "STORE_FAILED" });
    expect(failure.cause.message).toBe("S3 403 SignatureDoesNotMatch");
    expect(Bun.inspect(failure)).not.toContain("wrong-secret");
    expect(fake.calls.length).toBe(before + 1);
  });

  test("S3 store: answers 503 when the endpoint cannot be reached", async () => {
    const silent = await startFakeS3();
    await silent.close();
    const failure = await storeOn(silent)
      .find(newKey(), forever)
      .catch((error) => error);
    expect(failure).toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(Bun.inspect(failure)).not.toContain("X-Amz");
  });
});
