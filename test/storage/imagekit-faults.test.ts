import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiError, type ApiErrorCode } from "../../src/errors.ts";
import { errorResponse } from "../../src/http/error-response.ts";
import { ImageKitStore } from "../../src/storage/imagekit-store.ts";
import type { StoredMedia } from "../../src/storage/media-store.ts";
import { type Call, type FakeImageKit, type Fault, startFakeImageKit } from "../support/fake-imagekit.ts";
import { newKey, sha256, staged } from "./store-contract.ts";

/** "signal": the call rejects with the signal's reason. */
type Outcome = "works" | "signal" | ApiErrorCode;
type Case = [fault: Fault, times: number, outcome: Outcome];

const always = Number.POSITIVE_INFINITY;
const bytes = "a picture".repeat(100_000);

const uploads: Case[] = [
  ["hang before", always, "STORE_UNAVAILABLE"],
  ["hang after", 1, "works"],
  ["close before", 1, "works"],
  ["close before", always, "STORE_UNAVAILABLE"],
  ["close in the body", 1, "works"],
  ["close in the body", always, "STORE_UNAVAILABLE"],
  ["close after", always, "works"],
  ["202", always, "works"],
  ["no fileId", always, "works"],
  ["truncated JSON", always, "works"],
  ["stalled JSON", always, "works"],
  ["odd JSON", always, "works"],
  ["HTML", always, "works"],
  ["slow", always, "works"],
  ["over the size limit", always, "FILE_TOO_LARGE"],
  ["401", always, "STORE_FAILED"],
  ["403", always, "STORE_FAILED"],
  ["storage exhausted", always, "STORAGE_FULL"],
  ["404", always, "STORE_FAILED"],
  ["429", 1, "works"],
  ["429", always, "STORE_UNAVAILABLE"],
  ["429 for long", always, "STORE_UNAVAILABLE"],
  ["500", 1, "works"],
  ["500", always, "STORE_UNAVAILABLE"],
  ["500 after", always, "works"],
  ["503", 2, "works"],
  ["503", always, "STORE_UNAVAILABLE"],
];
const deletes: Case[] = [
  ["hang before", always, "signal"],
  ["hang after", always, "signal"],
  ["close before", 1, "works"],
  ["close before", always, "STORE_UNAVAILABLE"],
  ["close after", 1, "works"],
  ["202", always, "works"],
  ["truncated JSON", always, "works"],
  ["HTML", always, "works"],
  ["401", always, "STORE_FAILED"],
  ["403", always, "STORE_FAILED"],
  ["malformed id", 1, "works"],
  ["malformed id", always, "STORE_UNAVAILABLE"],
  ["404", 1, "works"],
  ["429", 1, "works"],
  ["429 for long", always, "STORE_UNAVAILABLE"],
  ["500", 1, "works"],
  ["500", always, "STORE_UNAVAILABLE"],
  ["500 after", 1, "works"],
  ["503", always, "STORE_UNAVAILABLE"],
];
const finds: Case[] = [
  ["hang before", always, "signal"],
  ["close before", 1, "works"],
  ["close before", always, "STORE_UNAVAILABLE"],
  ["202", always, "STORE_UNAVAILABLE"],
  ["stalled JSON", always, "signal"],
  ["truncated JSON", always, "STORE_UNAVAILABLE"],
  ["odd JSON", always, "STORE_UNAVAILABLE"],
  ["HTML", 1, "works"],
  ["HTML", always, "STORE_UNAVAILABLE"],
  ["401", always, "STORE_FAILED"],
  ["403", always, "STORE_FAILED"],
  ["404", always, "STORE_FAILED"],
  ["429", 1, "works"],
  ["429 for long", always, "STORE_UNAVAILABLE"],
  ["500", 1, "works"],
  ["500", always, "STORE_UNAVAILABLE"],
  ["503", always, "STORE_UNAVAILABLE"],
];

describe("ImageKit store with a failing ImageKit", () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "imagekit-faults-"))));
  afterAll(() => rm(folder, { recursive: true }));

  /** Only a call that must be ended by its signal gets a short one. */
  const deadline = (outcome?: Outcome) => AbortSignal.timeout(outcome === "signal" ? 1000 : 20_000);
  const storeOn = (fake: FakeImageKit, deadlineSeconds: number, baseUrl = fake.url) =>
    new ImageKitStore({
      privateKey: fake.privateKey,
      urlEndpoint: fake.urlEndpoint,
      baseUrl,
      deadlineFor: () => deadlineSeconds,
      retryPauseMs: 1,
    });

  /** Only an upload that hangs must run into its deadline. */
  const deadlineSecondsFor = (fault: Fault) => (/^(?:hang|stalled)/.test(fault) ? 4 : 20);

  /** Runs a case with its own fake. */
  async function atFault(
    body: (fake: FakeImageKit, store: ImageKitStore, key: string) => Promise<void>,
    deadlineSeconds = 20,
  ) {
    const fake = await startFakeImageKit();
    try {
      await body(fake, storeOn(fake, deadlineSeconds), newKey());
    } finally {
      await fake.close();
    }
  }

  /** Checks the outcome of a call, and that no failure contains a secret. */
  async function ends<T>(call: Promise<T>, outcome: Outcome, fake: FakeImageKit): Promise<T | undefined> {
    const [result] = await Promise.allSettled([call]);
    if (result.status === "fulfilled") {
      expect("works").toBe(outcome);
      return result.value;
    }
    const failure: unknown = result.reason;
    if (outcome === "signal") expect(failure).toHaveProperty("name", "TimeoutError");
    else expect(failure).toMatchObject({ name: "ApiError", code: outcome });
    const answer = failure instanceof ApiError ? errorResponse(failure) : new Response();
    const body = await answer.text();
    expect(body).not.toContain("ImageKit 4");
    const shown = [Bun.inspect(failure), body, JSON.stringify([...answer.headers])].join("\n");
    expect(shown).not.toContain(fake.privateKey);
    expect(shown).not.toContain(btoa(fake.privateKey).slice(0, 12));
    return undefined;
  }

  /** Expects at most one file after a put. After a rejected put it must be absent, or found and deleted by its key. */
  async function agrees(
    fake: FakeImageKit,
    store: ImageKitStore,
    key: string,
    stored: StoredMedia | undefined,
  ) {
    for (const call of ["upload", "find", "delete"] as const) fake.fail(call, null);
    expect(fake.files.size).toBeLessThanOrEqual(1);
    const found = await store.find(key, deadline());
    const [file] = fake.files.values();
    expect(found?.storeId).toBe(file?.fileId);
    if (stored) {
      expect(found).toEqual(stored);
      expect(file?.sha256).toBe(sha256(bytes));
    }
    await store.delete(key, stored?.storeId ?? null, deadline());
    expect(fake.files.size).toBe(0);
  }

  describe.each(uploads)("ImageKit store: put with %s, %d times", (fault, times, outcome) => {
    test.concurrent(`${outcome}`, () =>
      atFault(async (fake, store, key) => {
        fake.fail("upload", fault, times);
        const put = store.put(key, await staged(folder, bytes), deadline(outcome));
        await agrees(fake, store, key, await ends(put, outcome, fake));
      }, deadlineSecondsFor(fault)),
    );
  });

  const pairs: [Fault, Fault, Outcome][] = [
    ["close after", "500", "STORE_UNAVAILABLE"],
    ["202", "HTML", "STORE_UNAVAILABLE"],
    ["hang after", "hang before", "signal"],
    ["close after", "403", "STORE_FAILED"],
  ];
  describe.each(pairs)("ImageKit store: put with %s, and the lookup meets %s", (fault, second, outcome) => {
    test.concurrent(`${outcome}`, () =>
      atFault(async (fake, store, key) => {
        fake.fail("upload", fault);
        fake.fail("find", second);
        const put = store.put(key, await staged(folder, bytes), deadline(outcome));
        await agrees(fake, store, key, await ends(put, outcome, fake));
      }, deadlineSecondsFor(fault)),
    );
  });

  describe.each([
    ["by id", true],
    ["by key", false],
  ] as const)("ImageKit store: delete %s", (_, byId) => {
    describe.each(deletes)("%s, %d times", (fault, times, outcome) => {
      test.concurrent(`${outcome}`, () =>
        atFault(async (fake, store, key) => {
          const { storeId } = await store.put(key, await staged(folder, "x"), deadline());
          fake.fail("delete", fault, times);
          await ends(store.delete(key, byId ? storeId : null, deadline(outcome)), outcome, fake);
          // The store trusts a 404.
          if (outcome === "works" && fault !== "404") expect(fake.files.size).toBe(0);
          fake.fail("delete", null);
          await store.delete(key, storeId, deadline());
          expect(fake.files.size).toBe(0);
        }),
      );
    });
  });

  describe.each(finds)("ImageKit store: find with %s, %d times", (fault, times, outcome) => {
    test.concurrent(`${outcome}, and never null for a file that is there`, () =>
      atFault(async (fake, store, key) => {
        const stored = await store.put(key, await staged(folder, "x"), deadline());
        fake.fail("find", fault, times);
        const found = await ends(store.find(key, deadline(outcome)), outcome, fake);
        expect(found).toEqual(outcome === "works" ? stored : undefined);
        const ending = times === 1 ? "works" : outcome;
        const gone = await ends(store.delete(key, null, deadline(ending)), ending, fake);
        expect(gone).toBeUndefined();
        expect(fake.files.size).toBe(outcome === "works" ? 0 : 1);
      }),
    );
  });

  test.each(["put", "find", "delete"] as const)(
    "ImageKit store: %s answers 503 when the connection is refused",
    (operation) =>
      atFault(async (fake, _, key) => {
        const silent = await startFakeImageKit();
        await silent.close();
        const store = storeOn(fake, 20, silent.url);
        const calls: Record<typeof operation, () => Promise<unknown>> = {
          put: async () => store.put(key, await staged(folder, "x"), deadline()),
          find: () => store.find(key, deadline()),
          delete: () => store.delete(key, null, deadline()),
        };
        await ends(calls[operation](), "STORE_UNAVAILABLE", fake);
      }),
  );

  test("ImageKit store: delete succeeds when the purge fails or hangs", () =>
    atFault(async (fake, store, key) => {
      for (const fault of ["500", "403", "HTML", "close after", "429 for long"] satisfies Fault[]) {
        fake.fail("purge", fault);
        const { storeId } = await store.put(key, await staged(folder, "x"), deadline());
        await store.delete(key, storeId, deadline());
        expect(fake.files.size).toBe(0);
      }
      const counted: Call[] = fake.calls.map(({ call }) => call);
      expect(counted.filter((call) => call === "purge")).toHaveLength(5);
    }));
});
