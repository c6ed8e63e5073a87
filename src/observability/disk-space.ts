import { statfs as systemStatfs } from "node:fs/promises";

import { ApiError } from "../errors.ts";
import type { Log } from "./log.ts";

const gb = 1024 ** 3;

/** The default limit: 1 GB, or 2 % of larger disks. */
const defaultMinFree = (size: number) => Math.max(gb, Math.floor(size * 0.02));

/** Milliseconds for which a measurement is reused. */
const measurementLifetimeMs = 1000;

/** Milliseconds between the checks that warn the operator. */
const watchIntervalMs = 60_000;

/** Bytes between checks of a running upload; also the size of each claim of an upload of unknown length. */
const stepBytes = 1024 ** 2;

/** The file system that has the least space left, in bytes. */
export interface DiskUsage {
  readonly free: number;
  readonly size: number;
  /** Uploads are rejected while less than this is free. */
  readonly minFree: number;
}

/** Disk space claimed for one upload. */
export interface SpaceClaim {
  /**
   * Must be called as the body arrives.
   * @param total bytes received so far; ignored after the release
   * @throws ApiError STORAGE_FULL if the space has run out
   */
  received(total: number): Promise<void> | undefined;
  /** Must be called when the upload is staged or has failed. */
  release(): void;
}

/** Watches the file systems that uploads and the database are written to. */
export interface DiskSpace {
  /** The latest measurement, at most a second old; undefined if the system does not report it. */
  usage(): Promise<DiskUsage | undefined>;
  /**
   * Admits an upload if there is space for it and for the bytes that the same account's running uploads have yet to
   * send. Claims of other accounts do not count, or a few slow uploads could block everyone. While an admitted upload
   * arrives, the free space is checked again.
   * @param accountId the uploading account
   * @param bytes length of the body; 0 if unknown
   * @throws ApiError STORAGE_FULL
   */
  claim(accountId: string, bytes: number): Promise<SpaceClaim>;
  /** Starts to warn the operator and to refill the database's reserve; returns a function that stops both. */
  start(): () => void;
}

export interface DiskSpaceOptions {
  /** One folder on each file system. */
  readonly folders: readonly string[];
  /** Bytes to keep free; null for {@link defaultMinFree}. */
  readonly minFree: number | null;
  readonly log: Log;
  /** The database's reserve. */
  readonly reserve?: { refill(): Promise<void> } | undefined;
  /** Replaced in tests. */
  readonly statfs?: StatFs;
}

type StatFs = (folder: string) => Promise<{ bavail: number; blocks: number; bsize: number }>;

interface Measurement {
  readonly usage: DiskUsage | undefined;
  readonly begunAt: number;
  /** Bytes received by all uploads at that time. */
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
  /** Bytes received by all uploads so far. */
  let received = 0;
  /** Bytes that running uploads have claimed and not yet sent, by account. */
  const claims = new Map<string, number>();
  const claimedBy = (accountId: string) => claims.get(accountId) ?? 0;
  function addClaim(accountId: string, bytes: number): void {
    const claimed = claimedBy(accountId) + bytes;
    if (claimed > 0) claims.set(accountId, claimed);
    else claims.delete(accountId);
  }

  /** Measurements never overlap, so that a hanging file system blocks only one thread. */
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

  async function recentMeasurement(): Promise<Measurement> {
    return latest && performance.now() - latest.begunAt < measurementLifetimeMs ? latest : measure();
  }

  /** Free bytes above the limit, less those received since the measurement. */
  const headroom = ({ usage, received: then }: Measurement) =>
    usage ? usage.free - usage.minFree - (received - then) : Number.POSITIVE_INFINITY;

  /**
   * Adds `bytes` to the account's claims if there is enough space. Rejects them only after a measurement that began
   * after the call.
   * @param countOthers whether the claims of the account's other uploads count as used
   */
  async function take(accountId: string, bytes: number, countOthers: boolean): Promise<void> {
    const calledAt = performance.now();
    const lacksSpace = (measurement: Measurement) =>
      headroom(measurement) < (countOthers ? claimedBy(accountId) + bytes : bytes);
    let measurement = await recentMeasurement();
    while (lacksSpace(measurement)) {
      if (measurement.begunAt >= calledAt) throw new ApiError("STORAGE_FULL");
      measurement = await measure();
    }
    addClaim(accountId, bytes);
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
      // Later claims must not end an upload that was admitted with its full length.
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
        // A job is measured once more after its end, when its files are deleted: that would claim their space again.
        if (released) return undefined;
        const arrived = total - sent;
        const claimed = Math.min(arrived, unsent);
        sent = total;
        received += arrived;
        unsent -= claimed;
        addClaim(accountId, -claimed);
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
        log.warn("disk.full", { ...usage, effect: "uploads are rejected" });
      if (now === "low" && state !== "low") log.warn("disk.low", { ...usage });
      if (now === "enough" && state !== "enough") log.info("disk.enough", { ...usage });
      state = now;
    }
    await reserve?.refill();
  }

  return {
    usage: async () => (await recentMeasurement()).usage,
    claim,
    start() {
      const check = () => void watch();
      check();
      const timer = setInterval(check, watchIntervalMs);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}

const stateOf = ({ free, minFree }: DiskUsage) =>
  free < minFree ? "full" : free < 2 * minFree ? "low" : "enough";

/** Undefined if the folder is missing or its file system reports no size. */
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
