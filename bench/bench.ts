import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { freePort, start, type Program } from "./programs.ts";
import { secret, seed, type Seeded } from "./seed.ts";

/** One line of the report. */
export interface Figure {
  readonly what: string;
  /** Ours and the baseline's, in `unit`. */
  readonly service: number;
  readonly baseline?: number;
  /** How we compare: 1 is as good as the baseline, more is better. */
  readonly ratio?: number;
  readonly unit: string;
  /** In words; and whether it was reached, where there is one. */
  readonly goal?: string;
  readonly reached?: boolean;
}

/** What a scenario works with. */
export interface Bench {
  /** A folder for the scenario's files; removed at the end. */
  readonly folder: string;
  /** Data of an account and some posts, as many as asked for; made once for all scenarios. */
  seeded(posts: number): Promise<Seeded & { dataDir: string }>;
  /** The executable, on this data. */
  service(dataDir: string, settings?: Record<string, string>): Promise<Program>;
  /** A program of this folder that takes its port as the last argument but for those of `rest`. */
  baseline(file: string, path: string, ...rest: string[]): Promise<Program>;
}

/** @param executable the built service */
export function createBench(root: string, executable: string): Bench {
  const known = new Map<number, Promise<Seeded & { dataDir: string }>>();
  return {
    folder: root,
    seeded(posts) {
      const dataDir = join(root, `data-${posts}`);
      const make = async () => {
        const seeded = await seed(dataDir, posts);
        // Else whoever flushes first waits for all of it.
        Bun.spawnSync(["sync"]);
        return { ...seeded, dataDir };
      };
      const made = known.get(posts) ?? make();
      known.set(posts, made);
      return made;
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
 * Measures all in turns, so that what else the machine does meets all of them.
 * @returns of each turn what each measured
 */
export async function measureAlternately(
  turns: number,
  ...measures: (() => Promise<number>)[]
): Promise<number[][]> {
  const rows: number[][] = [];
  for (let turn = 0; turn < turns; turn++) {
    const row: number[] = [];
    const order = [...measures.keys()];
    // Whoever is first changes from turn to turn.
    for (const each of turn % 2 === 0 ? order : order.toReversed()) row[each] = await measures[each]!();
    rows.push(row);
  }
  return rows;
}

/**
 * The service against its baseline; more is better.
 * @param rows of each turn what both measured
 * @returns the medians, and the median of the ratios of each turn
 */
export const against = (rows: [number, number][]) => ({
  service: median(rows.map(([ours]) => ours)),
  baseline: median(rows.map(([, theirs]) => theirs)),
  ratio: median(rows.map(([ours, theirs]) => ours / theirs)),
});

/** Both in turns. */
export const compareAlternately = async (
  turns: number,
  service: () => Promise<number>,
  baseline: () => Promise<number>,
) => against((await measureAlternately(turns, service, baseline)) as [number, number][]);

/** A goal for a figure of which more is better. */
export const atLeast = (goal: number, ratio: number) => ({ goal: `≥ ${goal}`, reached: ratio >= goal });

/** A goal for a figure of which less is better. */
export const atMost = (goal: number, value: number, unit: string) => ({
  goal: `≤ ${goal} ${unit}`,
  reached: value <= goal,
});

export const megabytes = (bytes: number) => bytes / 1024 ** 2;
