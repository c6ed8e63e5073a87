import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ConfigError, readConfig } from "../../src/config/config.ts";
import { command, ServiceProcess } from "../support/process.ts";

let folder: string;
let service: ServiceProcess | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-metrics-port-"));
});
afterEach(async () => {
  await service?.kill();
  await rm(folder, { recursive: true, force: true });
});

const metricsAddress = () => /metrics on (\S+)/.exec(service!.greeting)?.[1] ?? "";
const statusOf = async (url: string, init: RequestInit = {}) => (await fetch(url, init)).status;

describe("metrics port", () => {
  test("metrics port: serves only metrics, to every client, and the main port serves none", async () => {
    service = new ServiceProcess(folder, { METRICS_PORT: "0" });
    await service.start();
    const metrics = metricsAddress();
    const response = await fetch(metrics, { headers: { host: "photos.example.com" } });
    expect([response.status, response.headers.get("content-type")]).toEqual([
      200,
      "text/plain; version=0.0.4; charset=utf-8",
    ]);
    expect(await response.text()).toContain("image_sharing_http_requests_total{");
    expect(await statusOf(metrics, { method: "HEAD" })).toBe(200);
    expect(await statusOf(new URL("/feed", metrics).href)).toBe(404);
    expect(await statusOf(metrics, { method: "POST", body: "x" })).toBeWithin(404, 414);
    expect(await statusOf(`${service.address}/metrics`)).toBe(404);
    expect(await service.stop()).toBe(0);
  });

  test("metrics port: with METRICS=loopback serves only this machine, and with METRICS=off is closed", async () => {
    service = new ServiceProcess(folder, { METRICS_PORT: "0", METRICS: "loopback" });
    await service.start();
    const metrics = metricsAddress();
    expect(await statusOf(metrics)).toBe(200);
    expect(await statusOf(metrics, { headers: { host: "photos.example.com" } })).toBe(404);
    expect(await statusOf(metrics, { headers: { "x-forwarded-for": "192.0.2.1" } })).toBe(404);
    await service.stop();

    service = new ServiceProcess(folder, { METRICS_PORT: new URL(metrics).port, METRICS: "off" });
    await service.start();
    expect(await fetch(metrics).catch(() => "nobody")).toBe("nobody");
    expect(await statusOf(`${service.address}/metrics`)).toBe(404);
  });

  test("metrics port: startup rejects a METRICS_PORT that is in use or equal to PORT", async () => {
    const other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const child = Bun.spawn(command, {
      cwd: folder,
      env: { PATH: process.env["PATH"], HOST: "127.0.0.1", PORT: "0", METRICS_PORT: String(other.port) },
      stderr: "pipe",
      stdout: "ignore",
    });
    const error = await new Response(child.stderr).text();
    expect(await child.exited).toBe(1);
    expect(error).toContain(`Port ${other.port} on 127.0.0.1 is taken`);
    expect(error).toContain("set METRICS_PORT to a free one");
    await other.stop(true);
    expect(() => readConfig({ PORT: "8000", METRICS_PORT: "8000" })).toThrow(ConfigError);
  });
});
