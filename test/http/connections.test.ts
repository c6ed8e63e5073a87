import { afterAll, beforeAll, expect, test } from "bun:test";

import { ServiceProcess } from "../support/process.ts";
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

test("a client's address is the socket's, and unknown where there is none", async () => {
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

test("a running service knows whom it talks to: /metrics is for this machine, not for who comes by a proxy", async () => {
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
