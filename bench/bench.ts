import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { freePort, start, type Program } from "./programs.ts";
import { secret, seed, type Seeded } from "./seed.ts";

/** One line of the report. */
export interface Figure {
  readonly what: string;
  /** The measurements of the service and of the baseline, in `unit`. */
  readonly service: number;
  readonly baseline?: number;
  /** The service relative to the baseline: 1 is equal, more is better. */
  readonly ratio?: number;
  readonly unit: string;
  /** The goal as text, and whether it was reached. */
  readonly goal?: string;
  readonly reached?: boolean;
}

/** The tools of a scenario. */
export interface Bench {
  /** A temp folder for the scenario's files. */
  readonly folder: string;
  /** Returns a data folder with accounts and this many posts, which all scenarios share. */
  seeded(posts: number): Promise<Seeded & { dataDir: string }>;
  /** Starts the executable on this data folder. */
  service(dataDir: string, settings?: Record<string, string>): Promise<Program>;
  /** Starts a program of this folder with a port and `rest` as its arguments. */
  baseline(file: string, path: string, ...rest: string[]): Promise<Program>;
}

/** @param executable the built service */
export function createBench(root: string, executable: string): Bench {
  const datasets = new Map<number, Promise<Seeded & { dataDir: string }>>();
  return {
    folder: root,
    seeded(posts) {
      const dataDir = join(root, `data-${posts}`);
      const create = async () => {
        const seeded = await seed(dataDir, posts);
        // Otherwise the first flush during a measurement would wait for all of it.
        Bun.spawnSync(["sync"]);
        return { ...seeded, dataDir };
      };
      const dataset = datasets.get(posts) ?? create();
      datasets.set(posts, dataset);
      return dataset;
    },
    service(dataDir, settings = {}) {
      mkdirSync(dataDir, { recursive: true });
      const port = freePort();
      const environment = {
        HOST: "127.0.0.1",
        PORT: String(port),
        DATA_DIR: dataDir,
        JWT_SECRET_KEY: secret,
        RATE_LIMIT: "off",
        UPLOADS_PER_ACCOUNT: "100",
        LOG_LEVEL: "error",
        MAX_VIDEO_SIZE: "2gb",
        ...settings,
      };
      return start([executable], { port, path: "/health", environment });
    },
    baseline(file, path, ...rest) {
      const port = freePort();
      return start([process.execPath, join(import.meta.dir, file), String(port), ...rest], { port, path });
    },
  };
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Runs the measurements alternately, so that other load on the machine affects all of them.
 * @returns one row per turn with one value per measurement
 */
export async function measureAlternately(
  turns: number,
  ...measures: (() => Promise<number>)[]
): Promise<number[][]> {
  const rows: number[][] = [];
  for (let turn = 0; turn < turns; turn++) {
    const row: number[] = [];
    const order = [...measures.keys()];
    // The order alternates between turns.
    for (const each of turn % 2 === 0 ? order : order.toReversed()) row[each] = await measures[each]!();
    rows.push(row);
  }
  return rows;
}

/**
 * Compares the service with its baseline.
 * @param rows the pair of measurements of each turn; more is better
 * @returns the medians, and the median of the ratios of the turns
 */
export const against = (rows: [number, number][]) => ({
  service: median(rows.map(([service]) => service)),
  baseline: median(rows.map(([, baseline]) => baseline)),
  ratio: median(rows.map(([service, baseline]) => service / baseline)),
});

/** Measures the service and its baseline alternately. */
export const compareAlternately = async (
  turns: number,
  service: () => Promise<number>,
  baseline: () => Promise<number>,
) => against((await measureAlternately(turns, service, baseline)) as [number, number][]);

/** A goal for a ratio: at least this much. */
export const atLeast = (goal: number, ratio: number) => ({ goal: `≥ ${goal}`, reached: ratio >= goal });

/** A goal for a value: at most this much. */
export const atMost = (goal: number, value: number, unit: string) => ({
  goal: `≤ ${goal} ${unit}`,
  reached: value <= goal,
});

export const megabytes = (bytes: number) => bytes / 1024 ** 2;
