// bun run bench [SCENARIO…]: compares the executable with minimal programs that do the same work, alternately in one run.
// BENCH_EXECUTABLE names an executable to use instead of building one.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { $ } from "bun";

import { createBench, type Bench, type Figure } from "./bench.ts";
import { stopAll } from "./programs.ts";
import { calm } from "./scenarios/calm.ts";
import { feed } from "./scenarios/feed.ts";
import { flat } from "./scenarios/flat.ts";
import { login } from "./scenarios/login.ts";
import { media } from "./scenarios/media.ts";
import { me } from "./scenarios/me.ts";
import { photos } from "./scenarios/photos.ts";
import { postgres } from "./scenarios/postgres.ts";
import { resumable } from "./scenarios/resumable.ts";
import { start } from "./scenarios/start.ts";
import { video } from "./scenarios/video.ts";
import { requireWrk } from "./wrk.ts";

const scenarios: Record<string, (bench: Bench) => Promise<Figure[]>> = {
  start,
  feed,
  me,
  login,
  photos,
  video,
  resumable,
  media,
  calm,
};
/** Scenarios that run only when named. */
const optionalScenarios: typeof scenarios = { postgres, flat };
const project = join(import.meta.dir, "..");

async function main(names: string[]): Promise<void> {
  const unknown = names.filter((name) => !(name in scenarios || name in optionalScenarios));
  if (unknown.length > 0)
    throw new Error(
      `Unknown scenario ${unknown.join(", ")}. The scenarios are ${Object.keys({ ...scenarios, ...optionalScenarios }).join(", ")}.`,
    );
  requireWrk();
  const executable = process.env["BENCH_EXECUTABLE"] ?? join(project, "dist/image-sharing");
  if (!process.env["BENCH_EXECUTABLE"]) await $`bun run build`.cwd(project).quiet();
  if (!existsSync(executable)) throw new Error(`There is no executable at ${executable}.`);

  const folder = mkdtempSync(join(tmpdir(), "image-sharing-bench-"));
  const onInterrupt = () =>
    void stopAll().finally(() => (rmSync(folder, { recursive: true }), process.exit(1)));
  process.once("SIGINT", onInterrupt).once("SIGTERM", onInterrupt);
  const figures: Figure[] = [];
  const started = performance.now();
  try {
    const bench = createBench(folder, executable);
    for (const name of names.length > 0 ? names : Object.keys(scenarios)) {
      process.stderr.write(`${name} …\n`);
      figures.push(...(await (scenarios[name] ?? optionalScenarios[name])!(bench)));
      await stopAll();
    }
  } finally {
    await stopAll();
    rmSync(folder, { recursive: true });
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stdout.write(`${table(figures)}\n${seconds} s\n`);
  await Bun.write(
    join(project, "dist/bench.json"),
    JSON.stringify({ at: new Date(), seconds, figures }, null, 2),
  );
}

function table(figures: Figure[]): string {
  const rows = [
    ["", "service", "baseline", "", "ratio", "goal", ""],
    ...figures.map((figure) => [
      figure.what,
      number(figure.service),
      figure.baseline === undefined ? "" : number(figure.baseline),
      figure.unit,
      figure.ratio === undefined ? "" : figure.ratio.toFixed(2),
      figure.goal ?? "",
      figure.reached === undefined ? "" : figure.reached ? "yes" : "NO",
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const number = (value: number) =>
  value >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
