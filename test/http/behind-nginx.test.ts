import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { onFreePort } from "../support/free-port.ts";
import { ServiceProcess } from "../support/process.ts";
import { head } from "../support/raw-http.ts";
import { until } from "../support/until.ts";

const nginx = Bun.which("nginx") ?? "/usr/sbin/nginx";
const hasNginx = existsSync(nginx);
if (!hasNginx) console.log("skipped: the tests behind a proxy need nginx (Debian: nginx)");

/** The documented configuration. Without keep-alive, nginx asks the service to close each connection. */
const operations = await Bun.file(join(import.meta.dir, "../../docs/operations.md")).text();
const sample = operations.split("```nginx\n")[1]!.split("\n```")[0]!;
const withoutKeepAlive = sample.replace(/^.*(?:keepalive 16|Connection "").*\n/gm, "");

describe.skipIf(!hasNginx).each([
  ["as the documentation configures it", sample],
  ["without keep-alive", withoutKeepAlive],
])("nginx: %s", (_, configuration) => {
  let port: number;
  let service: ServiceProcess;
  let proxy: Bun.Subprocess;
  let token: string;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "image-sharing-nginx-"));
    service = new ServiceProcess(folder, { MAX_IMAGE_SIZE: "1mb", MAX_VIDEO_SIZE: "2mb" });
    await service.start();
    token = await service.signUp("ada@example.com");
    await onFreePort((free) => startProxy(folder, free));
  });

  async function startProxy(folder: string, free: number): Promise<void> {
    port = free;
    const http = configuration
      .replace("127.0.0.1:8000", new URL(service.address).host)
      .replace(/# listen.*/, `listen 127.0.0.1:${port};`);
    const own = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path ${folder}/nginx;`,
    );
    const file = join(folder, "nginx.conf");
    await Bun.write(
      file,
      `daemon off; master_process off; pid ${folder}/nginx.pid; events {} http { access_log off; ${own.join(" ")} ${http} }`,
    );
    const log = join(folder, "nginx.log");
    proxy = Bun.spawn([nginx, "-c", file, "-e", log], { stdout: "ignore", stderr: "ignore" });
    const isUp = () =>
      fetch(`http://127.0.0.1:${port}/health`).then(
        ({ ok }) => ok,
        () => false,
      );
    await until(async () => proxy.exitCode !== null || (await isUp()));
    if (proxy.exitCode !== null) throw new Error(await Bun.file(log).text());
  }
  afterAll(async () => {
    proxy.kill();
    await proxy.exited;
    await service.kill();
    await rm(service.dataDir, { recursive: true, force: true });
  });

  test.each([
    ["without a token", 401, 8_000_000, "/upload", false],
    ["that is too large", 413, 8_000_000, "/upload", true],
    ["of an unsupported format", 415, 2_000_000, "/upload", true],
    ["to an unknown route", 404, 8_000_000, "/nope", true],
  ] as const)("nginx: an upload %s always gets %d", async (_, status, bytes, path, isSignedIn) => {
    const form = new FormData();
    form.set("file", new Blob(["x".repeat(bytes)]), "a.jpg");
    const headers: Record<string, string> = isSignedIn ? { authorization: `Bearer ${token}` } : {};
    for (let i = 0; i < 20; i++) {
      const address = `http://127.0.0.1:${port}${path}`;
      const answer = await fetch(address, { method: "POST", body: form, headers });
      expect([i, answer.status]).toEqual([i, status]);
      expect(await answer.json()).toHaveProperty("detail");
    }
  });

  test("nginx: an unauthenticated upload that does not end in time gets 401", async () => {
    const { promise: received, resolve } = Promise.withResolvers<string>();
    const socket = connect(port, "127.0.0.1");
    socket.on("data", (data) => resolve(data.toString("latin1"))).on("error", () => resolve("reset"));
    socket.write(head("POST /upload HTTP/1.1", "Host: localhost", "Content-Length: 500000000"));
    const piece = new Uint8Array(100_000);
    const sendMore = () => socket.writable && socket.write(piece, () => setTimeout(sendMore, 1));
    sendMore();
    expect(await received).toStartWith("HTTP/1.1 401 ");
    socket.destroy();
  });
});
