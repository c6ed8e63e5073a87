import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ImageKitStore } from "../../src/storage/imagekit-store.ts";
import { mediaKey, renditionKey } from "../../src/storage/media-keys.ts";
import { type FakeImageKit, startFakeImageKit } from "../support/fake-imagekit.ts";
import { newKey, staged, storeContract } from "./store-contract.ts";

const forever = new AbortController().signal;

function storeOn(fake: FakeImageKit, urlEndpoint = fake.urlEndpoint): ImageKitStore {
  return new ImageKitStore({
    privateKey: fake.privateKey,
    urlEndpoint,
    baseUrl: fake.url,
    deadlineFor: () => 5,
    retryPauseMs: 1,
  });
}

storeContract("imagekit", async () => {
  const fake = await startFakeImageKit();
  return {
    store: storeOn(fake, fake.deliveryUrl),
    content: async () => Object.fromEntries(fake.files.values().map((file) => [file.name, file.sha256])),
    close: () => fake.close(),
  };
});

describe("ImageKit store", () => {
  let folder: string;
  let fake: FakeImageKit;
  let store: ImageKitStore;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "imagekit-store-"));
    fake = await startFakeImageKit();
    store = storeOn(fake);
  });
  afterEach(() => {
    for (const call of ["upload", "find", "delete", "purge"] as const) fake.fail(call, null);
  });
  afterAll(async () => {
    await fake.close();
    await rm(folder, { recursive: true });
  });

  test("ImageKit store: put uploads the file under its key, with folder, tag and content type", async () => {
    const key = newKey();
    const { storeId } = await store.put(key, await staged(folder, "picture"), forever);
    expect(fake.files.get(`/image-sharing/${key}`)).toMatchObject({
      fileId: storeId,
      name: key,
      contentType: "image/png",
      tags: ["image-sharing"],
      versions: 1,
    });
  });

  test("ImageKit store: uses transformations as thumbnails of images and videos", async () => {
    const picture = newKey();
    const video = mediaKey(Bun.randomUUIDv7(), "video/mp4");
    const { url, renditions } = await store.put(picture, await staged(folder, "picture"), forever);
    expect(url).toBe(`${fake.urlEndpoint}/image-sharing/${picture}`);
    expect(renditions?.thumbnailUrl).toBe(`${url}?tr=w-640,h-640,c-at_max`);
    const stored = await store.put(video, await staged(folder, "video", "video/mp4"), forever);
    expect(stored.renditions?.thumbnailUrl).toBe(`${stored.url}/ik-thumbnail.jpg?tr=w-640,h-640,c-at_max`);
    const small = await store.put(
      renditionKey(Bun.randomUUIDv7(), "thumbnail", 0),
      await staged(folder, "s", "image/webp"),
      forever,
    );
    expect(small.renditions?.thumbnailUrl).not.toContain("ik-thumbnail");
  });

  test("ImageKit store: delete purges the CDN's copy and ignores failures of the purge", async () => {
    for (const fault of [null, "500", "close after"] as const) {
      fake.fail("purge", fault);
      const key = newKey();
      const { url, storeId } = await store.put(key, await staged(folder, "picture"), forever);
      await store.delete(key, storeId, forever);
      expect(fake.files.has(`/image-sharing/${key}`)).toBe(false);
      if (fault === null) expect(fake.purged).toContain(url);
    }
  });

  test("ImageKit store: delete looks a file with an unknown id up by its key", async () => {
    const key = newKey();
    await store.put(key, await staged(folder, "picture"), forever);
    await store.delete(key, "not-an-id/../x", forever);
    expect(fake.files.has(`/image-sharing/${key}`)).toBe(false);
  });

  test("ImageKit store: reads, deletes and purges a file of another program by the path in its store id", async () => {
    const delivering = storeOn(fake, fake.deliveryUrl);
    for (const isIdKnown of [true, false]) {
      for (const path of ["/x_1.png", "/albums/x_1.png"]) fake.place(path, Buffer.from(path));
      const storeId = isIdKnown
        ? `${fake.files.get("/albums/x_1.png")!.fileId}/albums/x_1.png`
        : "/albums/x_1.png";
      const content = await delivering.read(newKey(), forever, storeId);
      expect(await new Response(content!.stream).text()).toBe("/albums/x_1.png");
      await delivering.delete(newKey(), storeId, forever);
      expect(fake.files.has("/albums/x_1.png")).toBe(false);
      expect(fake.files.has("/x_1.png")).toBe(true);
      expect(fake.purged).toContain(`${fake.deliveryUrl}/albums/x_1.png`);
      expect(await delivering.read(newKey(), forever, storeId)).toBeNull();
      await delivering.delete(newKey(), storeId, forever);
    }
  });

  test("ImageKit store: passes on ImageKit's reason for a size limit without retrying", async () => {
    fake.fail("upload", "over the size limit");
    const before = fake.calls.length;
    const put = store.put(newKey(), await staged(folder, "picture"), forever);
    await expect(put).rejects.toMatchObject({
      code: "FILE_TOO_LARGE",
      options: { detail: expect.stringContaining("maximum size limit of 25 MB") },
    });
    expect(fake.calls.length).toBe(before + 1);
  });

  test("ImageKit store: explains an invalid key to the operator only, without revealing it", async () => {
    fake.fail("upload", "403");
    const failure = await store
      .put(newKey(), await staged(folder, "picture"), forever)
      .catch((error) => error);
    expect(failure).toMatchObject({ code: "STORE_FAILED", options: { cause: expect.any(Error) } });
    expect(failure.options.reason).toBeUndefined();
    expect(failure.options.detail).toBeUndefined();
    expect(failure.cause.message).toContain("403");
    expect(failure.cause.message).toContain("cannot be authenticated");
    expect(Bun.inspect(failure)).not.toContain(fake.privateKey);
    expect(Bun.inspect(failure)).not.toContain(btoa(`${fake.privateKey}:`));
  });

  test("ImageKit store: waits for a short rate limit and reports a long one", async () => {
    fake.fail("find", "429", 1);
    expect(await store.find(newKey(), forever)).toBeNull();
    fake.fail("find", "429 for long");
    await expect(store.find(newKey(), forever)).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      options: { headers: { "Retry-After": "90" } },
    });
  });

  test("ImageKit store: does not mistake a truncated file for the upload whose response was lost", async () => {
    const key = newKey();
    await store.put(key, await staged(folder, "short"), forever);
    fake.fail("upload", "close before");
    await expect(store.put(key, await staged(folder, "the whole"), forever)).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
    });
    expect(await store.find(key, forever)).not.toBeNull();
  });
});
