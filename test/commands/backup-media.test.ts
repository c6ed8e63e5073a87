import { expect, test } from "bun:test";

import { mediaInStore, startAhead } from "../../src/commands/backup-media.ts";
import { CommandError } from "../../src/commands/command-error.ts";
import { ApiError } from "../../src/errors.ts";
import type { StoredContent } from "../../src/storage/media-store.ts";

/** A store whose reads have these results, one after the other; the last one again and again. */
function storeOf(...results: (StoredContent | null | Error)[]) {
  let reads = 0;
  const store = {
    name: "s3" as const,
    async read() {
      const result = results[Math.min(reads, results.length - 1)]!;
      reads += 1;
      if (result instanceof Error) throw result;
      return result;
    },
  };
  return { store, reads: () => reads };
}

/** Content of this many bytes that claims to have `claimed`. */
const content = (bytes: number, claimed: number | null = bytes): StoredContent => ({
  stream: new Blob([new Uint8Array(bytes)]).stream() as ReadableStream<Uint8Array>,
  bytes: claimed,
});

/** Reads a post with one file, as a backup does. @returns the sizes of what was added under its key, failed or not */
async function archive({ store }: ReturnType<typeof storeOf>) {
  const sizes: number[] = [];
  const source = mediaInStore(
    store,
    async (_, bytes) => {
      let size = 0;
      try {
        for await (const chunk of bytes) size += chunk.length;
      } finally {
        sizes.push(size);
      }
    },
    1,
  );
  const added = await source.add(["key"], await source.readAhead(["key"]));
  return { added, sizes };
}

const large = 2_000_000;

test("backup: reads small files ahead and streams large ones and those of unknown length", async () => {
  const small = storeOf(content(5));
  expect(await archive(small)).toEqual({ added: [true], sizes: [5] });
  expect(small.reads()).toBe(1);
  expect(await archive(storeOf(content(large), content(large)))).toEqual({ added: [true], sizes: [large] });
  expect(await archive(storeOf(content(7, null), content(7, null)))).toEqual({ added: [true], sizes: [7] });
  expect(await archive(storeOf(null))).toEqual({ added: [false], sizes: [] });
});

test("backup: reads a file again that ended early or failed", async () => {
  expect(await archive(storeOf(content(3, 5), content(5)))).toEqual({ added: [true], sizes: [5] });
  expect(await archive(storeOf(content(large), content(9, large), content(large)))).toEqual({
    added: [true],
    sizes: [9, large],
  });
  // It may be gone at the second attempt.
  expect(await archive(storeOf(new ApiError("STORE_UNAVAILABLE"), null))).toEqual({
    added: [false],
    sizes: [],
  });
});

test("backup: names the store and the file when every attempt fails", async () => {
  const refused = new ApiError("STORE_FAILED", { cause: new Error("S3 403 AccessDenied") });
  const store = storeOf(refused);
  const error = await archive(store).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CommandError);
  expect((error as Error).message).toBe(
    "S3 does not deliver key (S3 403 AccessDenied). Nothing was written.",
  );
  expect(store.reads()).toBe(3);
});

test("backup: starts work on some items ahead, and keeps their order and their failures", async () => {
  const started: number[] = [];
  const work = async (item: number) => {
    started.push(item);
    await Bun.sleep(item === 0 ? 20 : 1);
    if (item === 4) throw new Error("four");
    return item;
  };
  const results: number[] = [];
  const run = async () => {
    for await (const result of startAhead([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 3, work)) {
      if (results.length === 0) expect(started).toEqual([0, 1, 2]);
      results.push(result);
    }
  };
  await expect(run()).rejects.toThrow("four");
  expect(results).toEqual([0, 1, 2, 3]);
  expect(started.length).toBeLessThan(9);
});
