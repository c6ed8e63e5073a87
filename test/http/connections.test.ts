import { afterAll, beforeAll, expect, jest, test } from "bun:test";

import { ServiceProcess } from "../support/process.ts";
import { exchange, head } from "../support/raw-http.ts";
import { parseNetworks } from "../../src/config/trusted-proxies.ts";
import { Connections } from "../../src/http/connections.ts";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

let service: ServiceProcess;
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-connections-"));
  service = new ServiceProcess(folder, { TRUST_PROXY: "1" });
  await service.start();
});
afterAll(async () => {
  await service.kill();
  await rm(service.dataDir, { recursive: true, force: true });
});

test("connections: the client's address is that of the socket, or unknown without a socket", async () => {
  const connections = new Connections(0);
  expect(connections.addressOf(new Request("http://localhost/"))).toBe("unknown");
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => new Response(connections.addressOf(request)),
  });
  connections.listen(server);
  expect(await (await fetch(server.url)).text()).toBe("127.0.0.1");
  await server.stop(true);
});

test("connections: the idle timeout does not apply while a request is handled, and applies after the response", () => {
  jest.useFakeTimers();
  try {
    const renewed: [Request, number][] = [];
    const server = { timeout: (...renewal: [Request, number]) => renewed.push(renewal) };
    const connections = new Connections(0);
    connections.listen(server as unknown as Bun.Server<undefined>, { idleSeconds: 30, pauseSeconds: 60 });
    const [slow, quick, none] = Array.from({ length: 3 }, () => new Request("http://localhost/"));
    connections.suspendIdleTimeout(quick!);
    connections.resumeIdleTimeout(quick!);
    connections.suspendIdleTimeout(slow!);
    for (let second = 0; second < 100; second++) jest.advanceTimersByTime(1000);
    // Early enough for Bun's clock, which moves in steps of four seconds.
    expect(renewed).toHaveLength(10);
    for (const renewal of renewed) expect(renewal).toEqual([slow!, 30]);
    connections.resumeIdleTimeout(slow!);
    connections.resumeIdleTimeout(none!);
    jest.advanceTimersByTime(100_000);
    expect(renewed).toHaveLength(10);
  } finally {
    jest.useRealTimers();
  }
});

test("connections: close ends the renewal of timeouts", () => {
  jest.useFakeTimers();
  try {
    const renewed: Request[] = [];
    const server = { timeout: (request: Request) => renewed.push(request) };
    const connections = new Connections(0);
    connections.listen(server as unknown as Bun.Server<undefined>, { idleSeconds: 30, pauseSeconds: 60 });
    connections.suspendIdleTimeout(new Request("http://localhost/"));
    jest.advanceTimersByTime(10_000);
    expect(renewed).toHaveLength(1);
    connections.close();
    jest.advanceTimersByTime(100_000);
    expect(renewed).toHaveLength(1);
    expect(jest.getTimerCount()).toBe(0);
  } finally {
    jest.useRealTimers();
  }
});

test("connections: trusts a proxy whose socket address lies in a trusted network", async () => {
  for (const [networks, client] of [
    ["127.0.0.0/8, 10.0.0.0/8", "198.51.100.1"],
    ["10.0.0.0/8", "127.0.0.1"],
  ] as const) {
    const connections = new Connections(parseNetworks(networks)!);
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) => new Response(connections.addressOf(request)),
    });
    connections.listen(server);
    const headers = { "x-forwarded-for": "6.6.6.6, 198.51.100.1, 10.0.0.7" };
    expect(await (await fetch(server.url, { headers })).text()).toBe(client);
    await server.stop(true);
  }
});

test("metrics: only requests from this machine without a proxy get them", async () => {
  for (const method of ["GET", "HEAD"]) {
    const ask = (headers: Record<string, string>) => fetch(`${service.address}/metrics`, { method, headers });
    expect([method, (await ask({})).status]).toEqual([method, 200]);
    for (const name of [
      "x-forwarded-for",
      "x-forwarded-host",
      "x-forwarded-proto",
      "x-real-ip",
      "forwarded",
      "via",
    ])
      expect([method, name, (await ask({ [name]: "127.0.0.1" })).status]).toEqual([method, name, 404]);
  }
});

const metricsFor = async (...headers: string[]) =>
  (await exchange(service.address, [head("GET /metrics HTTP/1.1", ...headers, "Connection: close")]))
    .statuses;

test.each([
  "localhost",
  "LOCALHOST:9090",
  "127.0.0.1",
  "127.0.0.1:8000",
  "127.255.0.9:1",
  "[::1]",
  "[::1]:65535",
])("metrics: a local request with the Host %s gets them", async (host) => {
  expect(await metricsFor(`Host: ${host}`)).toEqual([200]);
});

// DNS rebinding: the operator's browser loads a page of evil.example, whose name then resolves to 127.0.0.1.
test.each([
  "evil.example",
  "evil.example:8000",
  "localhost.evil.example",
  "127.0.0.1.evil.example",
  "evil.example@localhost",
  "localhost:8000@evil.example",
  "xlocalhost",
  "localhost.",
  "127.0.0.1:80:80",
  "128.0.0.1",
  "[::2]",
  "",
])("metrics: a local request with the Host %p gets 404", async (host) => {
  expect(await metricsFor(`Host: ${host}`)).toEqual([404]);
});

test("metrics: a local request without a Host or with two gets 404", async () => {
  const old = await exchange(service.address, [head("GET /metrics HTTP/1.0")]);
  expect(old.statuses).toEqual([404]);
  expect(await metricsFor("Host: localhost", "Host: evil.example")).toEqual([404]);
  expect(await metricsFor("Host: evil.example", "Host: localhost")).toEqual([404]);
});

test("metrics: with METRICS=public, a request with any Host gets them", async () => {
  const open = new ServiceProcess(await mkdtemp(join(tmpdir(), "image-sharing-public-")), {
    METRICS: "public",
  });
  await open.start();
  const answer = await exchange(open.address, [head("GET /metrics HTTP/1.1", "Host: photos.example.com")]);
  expect(answer.statuses).toEqual([200]);
  await open.kill();
  await rm(open.dataDir, { recursive: true, force: true });
});
