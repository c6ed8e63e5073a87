// Lints the OpenAPI document of a running service: bun .ci/openapi/lint.ts
// The linters (80 MB) have their own package, so that running the service does not install them.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ServiceProcess } from "../../test/support/process.ts";

const here = import.meta.dir;
const folder = await mkdtemp(join(tmpdir(), "image-sharing-openapi-"));
const service = new ServiceProcess(folder);
const document = join(folder, "openapi.json");

/** Runs a command in this folder; linters print their findings. */
function run(...command: string[]): boolean {
  const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
  const { exitCode } = Bun.spawnSync([process.execPath, ...command], {
    cwd: here,
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (exitCode !== 0) console.error(`failed: bun ${command.join(" ")}`);
  return exitCode === 0;
}
const lint = (...command: string[]) => run("x", "--bun", "--no-install", ...command);

try {
  await service.start();
  // Indented, so that the linters' line numbers are useful.
  const served = await service.fetch("/openapi.json");
  await Bun.write(document, JSON.stringify(await served.json(), null, 2));
  const installed = run("install", "--frozen-lockfile");
  const results = installed && [
    lint("redocly", "lint", "--config=redocly.yaml", document),
    lint("spectral", "lint", "--ruleset=spectral.yaml", "--fail-severity=warn", document),
  ];
  process.exitCode = results && results.every(Boolean) ? 0 : 1;
} finally {
  await service.kill();
  await rm(folder, { recursive: true, force: true });
}
