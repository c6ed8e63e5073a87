import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ServiceProcess } from "../support/process.ts";
import { exchange, head } from "../support/raw-http.ts";

let service: ServiceProcess;
let token: string;
beforeAll(async () => {
  // More than the size of any disk.
  const environment = { MIN_FREE_SPACE: "900000gb", METRICS: "loopback", LOG_LEVEL: "warn" };
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-low-"));
  service = new ServiceProcess(folder, environment, { log: join(folder, "log") });
  await service.start();
  token = await service.signUp("ada@example.com");
});
afterAll(async () => {
  await service.kill();
  await rm(service.dataDir, { recursive: true, force: true });
});

test.each([
  ["of a known length", "content-length: 300000"],
  ["of an unknown length", "transfer-encoding: chunked"],
])("low space: an upload %s gets 507 before it sends any data", async (_, length) => {
  const upload = (authorization: string) =>
    exchange(service.address, [
      head(
        "POST /upload HTTP/1.1",
        "host: a",
        `authorization: ${authorization}`,
        "content-type: multipart/form-data; boundary=b",
        length,
      ),
    ]);
  const refused = await upload(`Bearer ${token}`);
  expect(refused.statuses).toEqual([507]);
  expect(refused.text).toContain('{"detail":"Storage is full"}');
  expect((await upload("Bearer nobody")).statuses).toEqual([401]);
});

test("low space: everything except uploads works, the log warns, and metrics report the space", async () => {
  const ask = async (path: string, init: RequestInit = {}) =>
    (await service.fetch(path, { token, ...init })).status;
  const json = { "content-type": "application/json" };
  const password = JSON.stringify({ password: "another long one" });
  expect([
    await ask("/health"),
    await ask("/feed"),
    await ask("/users/me", { method: "PATCH", headers: json, body: password }),
  ]).toEqual([200, 200, 200]);
  const other = await service.signUp("grace@example.com");
  expect((await service.fetch("/auth/jwt/logout", { method: "POST", token: other })).status).toBe(204);

  const metrics = await (await fetch(`${service.address}/metrics`)).text();
  const bytes = (name: string) =>
    Number(new RegExp(`^image_sharing_disk_${name}_bytes (\\S+)$`, "m").exec(metrics)?.[1]);
  expect(bytes("size")).toBeGreaterThan(bytes("free"));
  expect([bytes("free") > 0, bytes("min_free")]).toEqual([true, 900_000 * 1024 ** 3]);
  const log = await Bun.file(join(service.dataDir, "log")).text();
  expect(log.split("\n").filter((line) => line.includes('"disk.full"'))).toHaveLength(1);
});
