import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ImageKitStore } from "../../src/media/imagekit-store.ts";
import { mediaKey, thumbnailKey } from "../../src/media/keys.ts";
import { type FakeImageKit, startFakeImageKit } from "../support/fake-imagekit.ts";
import { newKey, staged, storeContract } from "./store-contract.ts";

const forever = new AbortController().signal;

function storeOn(fake: FakeImageKit): ImageKitStore {
  return new ImageKitStore({
    privateKey: fake.privateKey,
    urlEndpoint: fake.urlEndpoint,
    baseUrl: fake.url,
    deadlineFor: () => 5,
    pause: 1,
  });
}

storeContract("imagekit", async () => {
  const fake = await startFakeImageKit();
  return {
    store: storeOn(fake),
    content: async () => Object.fromEntries(fake.files.values().map((file) => [file.name, file.sha256])),
    close: () => fake.close(),
  };
});

describe("the ImageKit store", () => {
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

  test("put names the file by its key, in a folder of ours, tagged and typed", async () => {
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

  test("a picture's thumbnail is a transformation, a video's a transformed poster", async () => {
    const picture = newKey();
    const video = mediaKey(Bun.randomUUIDv7(), "video/mp4");
    const { url, thumbnailUrl } = await store.put(picture, await staged(folder, "picture"), forever);
    expect(url).toBe(`${fake.urlEndpoint}/image-sharing/${picture}`);
    expect(thumbnailUrl).toBe(`${url}?tr=w-640,h-640,c-at_max`);
    const film = await store.put(video, await staged(folder, "film", "video/mp4"), forever);
    expect(film.thumbnailUrl).toBe(`${film.url}/ik-thumbnail.jpg?tr=w-640,h-640,c-at_max`);
    const small = await store.put(
      thumbnailKey(Bun.randomUUIDv7()),
      await staged(folder, "s", "image/webp"),
      forever,
    );
    expect(small.thumbnailUrl).not.toContain("ik-thumbnail");
  });

  test("delete purges the CDN's copy, and does not mind when that fails", async () => {
    for (const fault of [null, "500", "close after"] as const) {
      fake.fail("purge", fault);
      const key = newKey();
      const { url, storeId } = await store.put(key, await staged(folder, "picture"), forever);
      await store.delete(key, storeId, forever);
      expect(fake.files.has(`/image-sharing/${key}`)).toBe(false);
      if (fault === null) expect(fake.purged).toContain(url);
    }
  });

  test("an id that says nothing to ImageKit is looked up by key", async () => {
    const key = newKey();
    await store.put(key, await staged(folder, "picture"), forever);
    await store.delete(key, "not-an-id/../x", forever);
    expect(fake.files.has(`/image-sharing/${key}`)).toBe(false);
  });

  test("the plan's limit reaches the user with ImageKit's reason, and no retry is made", async () => {
    fake.fail("upload", "over the size limit");
    const before = fake.calls.length;
    const put = store.put(newKey(), await staged(folder, "picture"), forever);
    await expect(put).rejects.toMatchObject({
      code: "FILE_TOO_LARGE",
      options: { detail: expect.stringContaining("maximum size limit of 25 MB") },
    });
    expect(fake.calls.length).toBe(before + 1);
  });

  test("a bad key tells the operator why and the user nothing, and is itself in neither", async () => {
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

  test("a rate limit that ends soon is waited for; a long one is told to the user", async () => {
    fake.fail("find", "429", 1);
    expect(await store.find(newKey(), forever)).toBeNull();
    fake.fail("find", "429 for long");
    await expect(store.find(newKey(), forever)).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      options: { headers: { "Retry-After": "90" } },
    });
  });

  test("a file cut short in the store is not taken for the one whose answer was lost", async () => {
    const key = newKey();
    await store.put(key, await staged(folder, "short"), forever);
    fake.fail("upload", "close before");
    await expect(store.put(key, await staged(folder, "the whole"), forever)).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
    });
    expect(await store.find(key, forever)).not.toBeNull();
  });
});
