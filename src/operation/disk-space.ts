import { statfs as systemStatfs } from "node:fs/promises";

import { ApiError } from "../errors.ts";
import type { Log } from "./log.ts";

const gb = 1024 ** 3;

/** Where the operator sets no limit: 1 GB, on larger disks 2 %. */
const defaultMinFree = (size: number) => Math.max(gb, Math.floor(size * 0.02));

/** Milliseconds for which a measurement is used. */
const measurementLifetimeMs = 1000;

/** Milliseconds between the checks that warn the operator. */
const watchIntervalMs = 60_000;

/** Bytes after which a running upload is checked again, and that one of unknown length claims at once. */
const stepBytes = 1024 ** 2;

/** The file system that has the least space left, in bytes. */
export interface DiskUsage {
  readonly free: number;
  readonly size: number;
  /** With less than this free, uploads are refused. */
  readonly minFree: number;
}

/** Space for one upload. */
export interface SpaceClaim {
  /**
   * To be called as the body comes in.
   * @param total bytes so far
   * @throws ApiError STORAGE_FULL when the space has run out meanwhile
   */
  received(total: number): Promise<void> | undefined;
  /** To be called when the upload was staged or has failed. */
  release(): void;
}

/** Watches the file systems that uploads and the database are written to. */
export interface DiskSpace {
  /** The latest measurement, at most a second old; undefined where the system does not report it. */
  usage(): Promise<DiskUsage | undefined>;
  /**
   * Admits an upload if it fits beside everything that running uploads of the same account still have to send. What other
   * accounts have announced does not count: a few uploads that trickle could otherwise lock everybody out. Whatever is
   * admitted is checked against the space that is really there as it comes in.
   * @param accountId the account that uploads
   * @param bytes of the body; 0 when its length is not known
   * @throws ApiError STORAGE_FULL
   */
  claim(accountId: string, bytes: number): Promise<SpaceClaim>;
  /** Warns the operator and keeps the database's reserve from now on; returns a function that stops both. */
  start(): () => void;
}

export interface DiskSpaceOptions {
  /** One folder on each file system. */
  readonly folders: readonly string[];
  /** Bytes that stay free; null: {@link defaultMinFree}. */
  readonly minFree: number | null;
  readonly log: Log;
  /** Of the database. */
  readonly reserve?: { refill(): Promise<void> } | undefined;
  /** The system's, unless a test has its own. */
  readonly statfs?: StatFs;
}

type StatFs = (folder: string) => Promise<{ bavail: number; blocks: number; bsize: number }>;

interface Measurement {
  readonly usage: DiskUsage | undefined;
  readonly begunAt: number;
  /** {@link received} when it was begun. */
  readonly received: number;
}

export function createDiskSpace({
  folders,
  minFree,
  log,
  reserve,
  statfs = systemStatfs,
}: DiskSpaceOptions): DiskSpace {
  let latest: Measurement | undefined;
  let measuring: Promise<Measurement> | undefined;
  /** Bytes that all uploads have sent so far. */
  let received = 0;
  /** Bytes that running uploads have claimed and not sent yet, by account. */
  const claims = new Map<string, number>();
  const claimedBy = (accountId: string) => claims.get(accountId) ?? 0;
  function addClaim(accountId: string, bytes: number): void {
    const claimed = claimedBy(accountId) + bytes;
    if (claimed > 0) claims.set(accountId, claimed);
    else claims.delete(accountId);
  }

  /** One measurement runs at a time, so that a file system that hangs holds one thread only. */
  function measure(): Promise<Measurement> {
    return (measuring ??= measureOnce().finally(() => (measuring = undefined)));
  }

  async function measureOnce(): Promise<Measurement> {
    const begun = { begunAt: performance.now(), received };
    const found = await Promise.all(folders.map((folder) => measureFolder(folder, minFree, statfs)));
    const usage = found
      .filter((one) => one !== undefined)
      .sort((a, b) => a.free - a.minFree - (b.free - b.minFree))[0];
    return (latest = { ...begun, usage });
  }

  async function recent(): Promise<Measurement> {
    return latest && performance.now() - latest.begunAt < measurementLifetimeMs ? latest : measure();
  }

  /** Bytes above the limit. What came in since the measurement counts as written after it. */
  const headroom = ({ usage, received: then }: Measurement) =>
    usage ? usage.free - usage.minFree - (received - then) : Number.POSITIVE_INFINITY;

  /**
   * Adds `more` bytes to what the account has claimed if the space lasts. Refuses only on a measurement that was begun
   * after the call.
   * @param besideOthers whether the space that its other uploads have claimed is taken already
   */
  async function take(accountId: string, more: number, besideOthers: boolean): Promise<void> {
    const calledAt = performance.now();
    const lacksSpace = (measurement: Measurement) =>
      headroom(measurement) < (besideOthers ? claimedBy(accountId) + more : more);
    let measurement = await recent();
    while (lacksSpace(measurement)) {
      if (measurement.begunAt >= calledAt) throw new ApiError("STORAGE_FULL");
      measurement = await measure();
    }
    addClaim(accountId, more);
  }

  async function claim(accountId: string, bytes: number): Promise<SpaceClaim> {
    const lengthKnown = bytes > 0;
    let unsent = lengthKnown ? bytes : stepBytes;
    await take(accountId, unsent, true);
    let sent = 0;
    let checkedUpTo = stepBytes;
    let released = false;

    async function checkAgain(): Promise<void> {
      checkedUpTo = sent + stepBytes;
      // Space that was promised to others since is no reason to end an upload whose whole length was admitted.
      const more = lengthKnown ? 0 : stepBytes;
      await take(accountId, more, !lengthKnown);
      unsent += more;
      if (released) release();
    }

    function release(): void {
      released = true;
      addClaim(accountId, -unsent);
      unsent = 0;
    }

    return {
      received(total) {
        const arrived = total - sent;
        const ofClaim = Math.min(arrived, unsent);
        sent = total;
        received += arrived;
        unsent -= ofClaim;
        addClaim(accountId, -ofClaim);
        return sent >= checkedUpTo ? checkAgain() : undefined;
      },
      release,
    };
  }

  let state: "enough" | "low" | "full" = "enough";
  async function watch(): Promise<void> {
    const { usage } = await measure();
    if (usage) {
      const now = stateOf(usage);
      if (now === "full" && state !== "full")
        log.warn("disk.full", { ...usage, effect: "uploads are refused" });
      if (now === "low" && state !== "low") log.warn("disk.low", { ...usage });
      if (now === "enough" && state !== "enough") log.info("disk.enough", { ...usage });
      state = now;
    }
    await reserve?.refill();
  }

  return {
    usage: async () => (await recent()).usage,
    claim,
    start() {
      const look = () => void watch();
      look();
      const timer = setInterval(look, watchIntervalMs);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}

const stateOf = ({ free, minFree }: DiskUsage) =>
  free < minFree ? "full" : free < 2 * minFree ? "low" : "enough";

/** Undefined where the folder is missing, or its file system reports no size. */
async function measureFolder(
  folder: string,
  minFree: number | null,
  statfs: StatFs,
): Promise<DiskUsage | undefined> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    const size = blocks * bsize;
    return size > 0 ? { free: bavail * bsize, size, minFree: minFree ?? defaultMinFree(size) } : undefined;
  } catch {
    return undefined;
  }
}
