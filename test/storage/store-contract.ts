import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mediaKey, renditionKey } from "../../src/storage/media-keys.ts";
import type { MediaStore, StorableFile } from "../../src/storage/media-store.ts";

/** A store, and access to its contents that bypasses it. */
export interface StoreUnderTest {
  readonly store: MediaStore;
  /** Returns the SHA-256 in hex of every file in the store, by key. */
  content(): Promise<Record<string, string>>;
  close(): Promise<void>;
}

export function sha256(bytes: Uint8Array | string): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

/** Writes these bytes to a new temp file in the folder. */
export async function staged(
  folder: string,
  bytes: Uint8Array | string,
  contentType: StorableFile["contentType"] = "image/png",
  displayName = "photo.png",
): Promise<StorableFile> {
  const file = Bun.file(join(folder, `${Bun.randomUUIDv7()}.part`));
  await Bun.write(file, bytes);
  return { file, contentType, displayName, bytes: file.size };
}

export function newKey(): string {
  return mediaKey(Bun.randomUUIDv7(), "image/png");
}

const forever = new AbortController().signal;

/** The contract of every store. `open` gets a new folder for the store's files and temp files. */
export function storeContract(name: string, open: (folder: string) => Promise<StoreUnderTest>): void {
  describe(`${name} store`, () => {
    let folder: string;
    let under: StoreUnderTest;
    let store: MediaStore;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), `store-${name}-`));
      under = await open(folder);
      store = under.store;
    });
    afterAll(async () => {
      await under.close();
      await rm(folder, { recursive: true });
    });

    test(`${name} store: put stores the bytes under the key and returns the location`, async () => {
      const key = newKey();
      const stored = await store.put(key, await staged(folder, "picture"), forever);
      expect((await under.content())[key]).toBe(sha256("picture"));
      expect(stored.url).toMatch(/^(https?:\/\/|\/media\/)/);
      expect(stored.url).toContain(key);
    });

    test(`${name} store: find returns the same as put, and null for a missing file`, async () => {
      const key = newKey();
      const stored = await store.put(key, await staged(folder, "findable"), forever);
      expect(await store.find(key, forever)).toEqual(stored);
      expect(await store.find(newKey(), forever)).toBeNull();
    });

    test(`${name} store: stores a thumbnail under its own key`, async () => {
      const key = renditionKey(Bun.randomUUIDv7(), "thumbnail", 0);
      await store.put(key, await staged(folder, "small", "image/webp"), forever);
      expect((await under.content())[key]).toBe(sha256("small"));
    });

    test(`${name} store: put replaces a file with the same key`, async () => {
      const key = newKey();
      const first = await store.put(key, await staged(folder, "first"), forever);
      const second = await store.put(key, await staged(folder, "second"), forever);
      expect(second.storeId).toBe(first.storeId);
      expect((await under.content())[key]).toBe(sha256("second"));
      await store.delete(key, second.storeId, forever);
      expect(await under.content()).not.toHaveProperty([key]);
    });

    test(`${name} store: stores an empty and a large file completely`, async () => {
      const large = new Uint8Array(3_000_001).map((_, index) => index % 251);
      const [emptyKey, largeKey] = [newKey(), newKey()];
      await store.put(emptyKey, await staged(folder, ""), forever);
      await store.put(largeKey, await staged(folder, large), forever);
      expect(await under.content()).toMatchObject({ [emptyKey]: sha256(""), [largeKey]: sha256(large) });
    });

    test(`${name} store: read streams the bytes of a file and tells its length, and is null for a missing one`, async () => {
      const large = new Uint8Array(3_000_001).map((_, index) => index % 251);
      for (const content of ["", "picture", large]) {
        const key = newKey();
        await store.put(key, await staged(folder, content), forever);
        const { stream, bytes } = (await store.read(key, forever))!;
        expect(bytes).toBe(content.length);
        expect(sha256(await new Response(stream).bytes())).toBe(sha256(content));
      }
      expect(await store.read(newKey(), forever)).toBeNull();
    });

    test(`${name} store: a stream fails with the reason of the signal, and can be cancelled`, async () => {
      const key = newKey();
      await store.put(key, await staged(folder, new Uint8Array(3_000_000)), forever);
      const aborting = new AbortController();
      const reader = (await store.read(key, aborting.signal))!.stream.getReader();
      await reader.read();
      aborting.abort(new Error("client gone"));
      const rest = async () => {
        while (!(await reader.read()).done);
      };
      await expect(rest()).rejects.toThrow("client gone");
      const other = await store.read(key, forever);
      await other!.stream.cancel();
    });

    test(`${name} store: delete uses the store's id, or the key if the id is unknown`, async () => {
      for (const known of [true, false]) {
        const key = newKey();
        const neighbour = newKey();
        const stored = await store.put(key, await staged(folder, "going"), forever);
        await store.put(neighbour, await staged(folder, "staying"), forever);
        await store.delete(key, known ? stored.storeId : null, forever);
        expect(await store.find(key, forever)).toBeNull();
        const content = await under.content();
        expect(content).not.toHaveProperty([key]);
        expect(content[neighbour]).toBe(sha256("staying"));
      }
    });

    test(`${name} store: delete of a missing file succeeds`, async () => {
      const key = newKey();
      await store.delete(key, null, forever);
      const stored = await store.put(key, await staged(folder, "twice"), forever);
      await store.delete(key, stored.storeId, forever);
      await store.delete(key, stored.storeId, forever);
    });

    test(`${name} store: every call rejects with the reason of an aborted signal and has no effect`, async () => {
      const gone = AbortSignal.abort(new Error("client gone"));
      const key = newKey();
      const kept = newKey();
      await store.put(kept, await staged(folder, "kept"), forever);
      const file = await staged(folder, "never");
      await expect(store.put(key, file, gone)).rejects.toThrow("client gone");
      await expect(store.find(kept, gone)).rejects.toThrow("client gone");
      await expect(store.read(kept, gone)).rejects.toThrow("client gone");
      await expect(store.delete(kept, null, gone)).rejects.toThrow("client gone");
      const content = await under.content();
      expect(content).not.toHaveProperty([key]);
      expect(content).toHaveProperty([kept]);
      expect(await Bun.file(file.file.name ?? "").exists()).toBe(true);
    });

    test(`${name} store: put rejects with the signal's reason, and a partial result can be deleted`, async () => {
      const key = newKey();
      const aborting = new AbortController();
      const putting = store.put(key, await staged(folder, "x".repeat(2_000_000)), aborting.signal);
      aborting.abort(new Error("too late"));
      await expect(putting).rejects.toThrow("too late");
      await putting.catch(() => undefined);
      await store.delete(key, null, forever);
      expect(await under.content()).not.toHaveProperty([key]);
    });

    test(`${name} store: rejects malformed keys`, async () => {
      const before = await under.content();
      const id = Bun.randomUUIDv7();
      for (const key of [
        "",
        ".",
        "..",
        "../secret.png",
        `../${id}.png`,
        `/${id}.png`,
        `a/${id}.png`,
        `${id}.png/..`,
        `${id}.png\0`,
        `${id}.png\n`,
        `${id}.svg`,
        `${id}.html`,
        `${id}`,
        `${id}.thumb.png`,
        `${id.toUpperCase()}.PNG`,
        `${id}.png" OR name="x`,
        "%2e%2e%2fsecret.png",
      ]) {
        await expect(store.put(key, await staged(folder, "bad"), forever)).rejects.toMatchObject({
          code: "NOT_FOUND",
        });
        await expect(store.find(key, forever)).rejects.toMatchObject({ code: "NOT_FOUND" });
        await expect(store.read(key, forever)).rejects.toMatchObject({ code: "NOT_FOUND" });
        await expect(store.delete(key, null, forever)).rejects.toMatchObject({ code: "NOT_FOUND" });
      }
      expect(await under.content()).toEqual(before);
    });
  });
}
