import { setTimeout as sleep } from "node:timers/promises";

import { mediaKey } from "../storage/media-keys.ts";
import type { MediaStore } from "../storage/media-store.ts";
import { callStore, PostNotMovable, StoreCallFailed, StoreUnusable } from "./move-errors.ts";
import { movePost } from "./move-post.ts";
import type { MoveServices } from "./move-services.ts";

/** Posts that are copied at the same time. */
export const concurrency = 4;

/** Posts read from the database at a time. */
const pageSize = 100;

/** Times of a move in milliseconds. */
export interface MoveTimes {
  /** Before the second attempt at a post when its store cannot be reached; doubled with each further one. */
  readonly retryMs: number;
  /** Between two attempts at a post that something else works on. */
  readonly busyMs: number;
}

const defaultTimes: MoveTimes = { retryMs: 2000, busyMs: 1000 };

/** Attempts at a post while its store cannot be reached. Each consists of several calls with pauses. */
const maxAttempts = 4;

/** Posts in a row that a store may refuse before the move ends. */
const maxRefusedInARow = 20;

/** What a move has done so far. */
export interface MoveReport {
  readonly moved: number;
  /** Bytes of the originals of the moved posts. */
  readonly bytes: number;
  readonly failed: number;
}

/** Receives the progress of a move. */
export interface MoveObserver {
  progress(report: MoveReport): void;
  failed(postId: string, reason: string): void;
  /** Called when only posts are left that something else works on. */
  waiting(posts: number): void;
}

type Candidate = { readonly id: string; readonly bytes: number };

/**
 * Moves every published post to a store, and those of deactivated accounts unless the store is public.
 * @param stopping ends the move; copies that have begun are abandoned
 * @returns what was done; when `stopping` aborts, what was done until then
 * @throws StoreUnusable
 */
export async function moveAll(
  services: MoveServices,
  to: MediaStore,
  observer: MoveObserver,
  stopping: AbortSignal,
  times: MoveTimes = defaultTimes,
): Promise<MoveReport> {
  const report = { moved: 0, bytes: 0, failed: 0 };
  let refusedInARow = 0;
  const failing = new AbortController();
  const signal = AbortSignal.any([stopping, failing.signal]);

  /** @returns whether something else works on the post */
  async function move(post: Candidate): Promise<boolean> {
    try {
      const outcome = await moveReachable(services, post, to, signal, times.retryMs);
      if (outcome === "busy") return true;
      if (outcome === "moved") {
        refusedInARow = 0;
        report.moved++;
        report.bytes += post.bytes;
      }
    } catch (error) {
      if (!(error instanceof PostNotMovable)) throw error;
      report.failed++;
      observer.failed(post.id, error.message);
      if (error.isRefusal && ++refusedInARow === maxRefusedInARow)
        throw new StoreUnusable(`${refusedInARow} posts in a row were refused, the last by ${error.message}`);
    }
    observer.progress(report);
    return false;
  }

  /** @returns the posts that something else works on */
  async function moveEach(posts: AsyncGenerator<Candidate, undefined, undefined>): Promise<Candidate[]> {
    const busy: Candidate[] = [];
    async function work(): Promise<void> {
      for (let next = await posts.next(); !next.done && !signal.aborted; next = await posts.next())
        if (await move(next.value)) busy.push(next.value);
    }
    const stop = (error: unknown) => {
      failing.abort(error);
      throw error;
    };
    await Promise.allSettled(Array.from({ length: concurrency }, () => work().catch(stop)));
    if (!stopping.aborted) failing.signal.throwIfAborted();
    return busy;
  }

  let busy = await moveEach(candidates(services, to));
  while (busy.length > 0 && !signal.aborted) {
    observer.waiting(busy.length);
    await sleep(times.busyMs, undefined, { signal }).catch(() => {});
    busy = await moveEach(each(busy));
  }
  return report;
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T, undefined, undefined> {
  yield* items;
}

/** Yields the posts that are not in the target, in the order of their ids. */
async function* candidates(
  { database }: MoveServices,
  to: MediaStore,
): AsyncGenerator<Candidate, undefined, undefined> {
  for (let last = ""; ;) {
    const page = await database.mediaMoves.page(to, last, pageSize);
    yield* page;
    const end = page.at(-1);
    if (!end) return;
    last = end.id;
  }
}

/**
 * Moves a post, and repeats it while a store cannot be reached.
 * @throws PostNotMovable, also when a store refuses only this post; StoreUnusable
 */
async function moveReachable(
  services: MoveServices,
  post: Candidate,
  to: MediaStore,
  signal: AbortSignal,
  retryMs: number,
) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await movePost(services, post, to, signal);
    } catch (error) {
      if (!(error instanceof StoreCallFailed)) throw error;
      if (error.code === "FILE_TOO_LARGE") throw new PostNotMovable(error.message);
      if (error.code === "STORAGE_FULL") throw new StoreUnusable(error.message);
      if (error.code !== "STORE_UNAVAILABLE" || attempt === maxAttempts) {
        const store = services.storeNamed(error.store);
        if (store) await requireUsable(services, store, signal);
        throw new PostNotMovable(error.message, true);
      }
    }
    await sleep(retryMs * 2 ** (attempt - 1), undefined, { signal });
  }
}

/**
 * Checks that a store answers.
 * @throws StoreUnusable; the signal's reason
 */
export async function requireUsable(
  { deadlineFor }: Pick<MoveServices, "deadlineFor">,
  store: MediaStore,
  signal: AbortSignal,
): Promise<void> {
  const key = mediaKey(Bun.randomUUIDv7(), "image/jpeg");
  const deadline = AbortSignal.timeout(deadlineFor(0) * 1000);
  try {
    await callStore(store.name, { signal, deadline }, (either) => store.find(key, either));
  } catch (error) {
    throw error instanceof StoreCallFailed ? new StoreUnusable(error.message) : error;
  }
}
