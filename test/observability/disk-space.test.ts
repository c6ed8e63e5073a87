import { afterEach, expect, mock, spyOn, test } from "bun:test";

import { ApiError } from "../../src/errors.ts";
import { createDiskSpace } from "../../src/observability/disk-space.ts";
import { createLog } from "../../src/observability/log.ts";

const mb = 1024 ** 2;
const gb = 1024 ** 3;

/** A disk of this size whose free space the test sets. */
function disk({ size = 100 * gb, free = 10 * gb, minFree = null as number | null, folders = ["data"] } = {}) {
  const state = { size, free, measured: 0 };
  const logged: { level: string; event: string }[] = [];
  const log = createLog("debug", (line) => logged.push(JSON.parse(line) as (typeof logged)[number]));
  const space = createDiskSpace({
    folders,
    minFree,
    log,
    statfs: async (folder) => {
      state.measured += 1;
      if (folder === "missing") throw Object.assign(new Error(), { code: "ENOENT" });
      return { bsize: 1, blocks: state.size, bavail: folder === "fuller" ? state.free / 2 : state.free };
    },
  });
  return { state, space, logged };
}

afterEach(() => mock.restore());
const realNow = performance.now.bind(performance);
/** Lets more time pass than a measurement is used for. */
const outdateMeasurement = () => void spyOn(performance, "now").mockImplementation(() => realNow() + 1100);

const codeOf = (attempt: Promise<unknown> | undefined) =>
  Promise.resolve(attempt).then(
    () => "admitted",
    (error: unknown) => (error as ApiError).code,
  );

test.each([
  [8 * gb, null, gb],
  [50 * gb, null, gb],
  [100 * gb, null, 2 * gb],
  [100 * gb, 5 * mb, 5 * mb],
  [100 * gb, 0, 0],
])(
  "disk space: on a disk of %p bytes with MIN_FREE_SPACE %p, %p bytes stay free",
  async (size, minFree, expected) => {
    expect((await disk({ size, minFree }).space.usage())?.minFree).toBe(Math.floor(expected));
  },
);

test("disk space: rejects an upload that does not fit above the limit", async () => {
  const { space } = disk({ free: 3 * gb });
  expect(await codeOf(space.claim("ada", gb + 1))).toBe("STORAGE_FULL");
  expect(await codeOf(space.claim("ada", gb))).toBe("admitted");
});

test("disk space: counts concurrent uploads together", async () => {
  const { space } = disk({ free: 3 * gb });
  const outcomes = await Promise.all(Array.from({ length: 40 }, () => codeOf(space.claim("ada", gb / 10))));
  expect(outcomes.filter((outcome) => outcome === "admitted")).toHaveLength(10);
});

test("disk space: counts received bytes once, and releases the unsent rest of a claim", async () => {
  const { space, state } = disk({ free: 3 * gb });
  const first = await space.claim("ada", gb);
  state.free -= gb / 2;
  await first.received(gb / 2);
  expect(await codeOf(space.claim("ada", 1))).toBe("STORAGE_FULL");
  outdateMeasurement();
  expect(await codeOf(space.claim("ada", 1))).toBe("STORAGE_FULL");
  first.release();
  expect(await codeOf(space.claim("ada", gb / 2))).toBe("admitted");
});

test("disk space: a claim that was released takes no space when its files are measured once more", async () => {
  const { space } = disk({ free: 3 * gb });
  const claim = await space.claim("ada", gb);
  await claim.received(gb / 2);
  claim.release();
  await claim.received(0);
  outdateMeasurement();
  expect(await codeOf(space.claim("ada", gb))).toBe("admitted");
});

test("disk space: an admitted upload continues beside later claims, and ends when the disk is full", async () => {
  const { space, state } = disk({ free: 3 * gb });
  const first = await space.claim("ada", gb / 2);
  await space.claim("ada", gb / 2);
  expect(await codeOf(first.received(10 * mb))).toBe("admitted");
  state.free = 2 * gb - 1;
  outdateMeasurement();
  expect(await codeOf(first.received(20 * mb))).toBe("STORAGE_FULL");
});

test("disk space: an upload of unknown length ends when the space above the limit is used up", async () => {
  const { space, state } = disk({ free: 2 * gb + 20 * mb });
  const claim = await space.claim("ada", 0);
  let sent = 0;
  for (; (await codeOf(claim.received(sent + mb / 2))) === "admitted"; sent += mb / 2) state.free -= mb / 2;
  expect(sent).toBeGreaterThan(15 * mb);
  expect(sent).toBeLessThanOrEqual(20 * mb);
});

test("disk space: an upload of unknown length that ends during a measurement releases its whole claim", async () => {
  const { space } = disk({ free: 2 * gb + 10 * mb });
  for (let i = 0; i < 20; i++) {
    const claim = await space.claim("ada", 0);
    const checked = claim.received(mb);
    claim.release();
    await codeOf(checked);
  }
  outdateMeasurement();
  expect(await codeOf(space.claim("ada", 10 * mb))).toBe("admitted");
});

test("disk space: measures at most once per second, and again before it rejects an upload", async () => {
  const { space, state } = disk({ free: 3 * gb });
  for (let i = 0; i < 100; i++) (await space.claim("ada", mb)).release();
  expect(state.measured).toBe(1);
  state.free = 50 * gb;
  expect(await codeOf(space.claim("ada", 10 * gb))).toBe("admitted");
  expect(state.measured).toBe(2);
});

test("disk space: uses the file system with the least space, and ignores one that cannot be measured", async () => {
  const { space } = disk({ folders: ["missing", "data", "fuller"], free: 10 * gb });
  expect((await space.usage())?.free).toBe(5 * gb);
  const unknown = disk({ folders: ["missing"] });
  expect([await unknown.space.usage(), await codeOf(unknown.space.claim("ada", 1000 * gb))]).toEqual([
    undefined,
    "admitted",
  ]);
  const sizeless = disk({ size: 0, free: 0 });
  expect(await codeOf(sizeless.space.claim("ada", gb))).toBe("admitted");
});

test("disk space: logs once when space is low, when the disk is full, and when there is space again", async () => {
  const { space, state, logged } = disk({ free: 10 * gb });
  const look = async (free: number) => {
    state.free = free;
    space.start()();
    await Bun.sleep(1);
    return logged.splice(0).map(({ level, event }) => `${level} ${event}`);
  };
  expect(await look(10 * gb)).toEqual([]);
  expect(await look(3.9 * gb)).toEqual(["warn disk.low"]);
  expect(await look(3.8 * gb)).toEqual([]);
  expect(await look(1.9 * gb)).toEqual(["warn disk.full"]);
  expect(await look(2.1 * gb)).toEqual(["warn disk.low"]);
  expect(await look(5 * gb)).toEqual(["info disk.enough"]);
});

test("disk space: claims of one account do not block others, and its upload ends when the space is gone", async () => {
  const { space, state } = disk({ free: 3 * gb });
  const trickle = await space.claim("mallory", gb);
  expect(await codeOf(space.claim("mallory", 1))).toBe("STORAGE_FULL");
  const other = await space.claim("ada", gb);
  await other.received(gb);
  other.release();
  state.free = 2 * gb - mb;
  expect(await codeOf(trickle.received(2 * mb))).toBe("STORAGE_FULL");
});
