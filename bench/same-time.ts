// Checks whether response times reveal that an account exists: known and unknown addresses alternate, 200 times each.
// bun bench/same-time.ts
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createApp } from "../src/app.ts";
import { readConfig } from "../src/config/config.ts";
import { createHandler } from "../src/request-handler.ts";
import { createLog } from "../src/observability/log.ts";
import { openServices } from "../src/services.ts";

const tries = 200;
const dataDir = await mkdtemp(join(tmpdir(), "image-sharing-same-time-"));
const config = readConfig({ DATA_DIR: dataDir, RATE_LIMIT: "off" });
const services = await openServices(
  config,
  createLog("silent", () => {}),
  () => {},
);
const handler = createHandler(createApp(services), services);

const json = (path: string, body: object) =>
  handler(
    new Request(`http://localhost/auth/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  );
const login = (username: string) =>
  handler(
    new Request("http://localhost/auth/jwt/login", {
      method: "POST",
      body: new URLSearchParams({ username, password: "not the password" }),
    }),
  );

const password = "correct horse battery";
const known = "ada@example.com"; // As long as the unknown addresses.
await json("register", { email: known, password });
let unknowns = 100;
const unknown = () => `${unknowns++}@example.com`;

const routes: Record<string, (email: string) => Promise<Response>> = {
  login,
  "forgot-password": (email) => json("forgot-password", { email }),
  "request-verify-token": (email) => json("request-verify-token", { email }),
  register: (email) => json("register", { email, password }),
};

const median = (times: number[]) => times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN;
async function timed(work: () => Promise<Response>): Promise<number> {
  const start = performance.now();
  await (await work()).text();
  const time = performance.now() - start;
  await services.background.drain();
  await Bun.sleep(2);
  return time;
}

console.log(`${"".padEnd(24)}${"known".padStart(10)}${"unknown".padStart(10)}   ratio`);
for (const [name, ask] of Object.entries(routes)) {
  const times: [number[], number[]] = [[], []];
  for (let i = 0; i < tries; i++) {
    // Random order, so that neither request always pays for the work that the other leaves behind.
    const order = Math.random() < 0.5 ? [0, 1] : [1, 0];
    for (const which of order) times[which]!.push(await timed(() => ask(which === 0 ? known : unknown())));
  }
  const [first, second] = times.map(median) as [number, number];
  const ms = (time: number) => `${time.toFixed(2)} ms`.padStart(10);
  console.log(`${name.padEnd(24)}${ms(first)}${ms(second)}   ${(second / first).toFixed(2)}`);
}
await services.close();
await rm(dataDir, { recursive: true, force: true });
