import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { pngPhoto } from "../support/media-samples.ts";
import { command, ServiceProcess } from "../support/process.ts";
import { until } from "../support/until.ts";

let service: ServiceProcess;
beforeEach(async () => {
  service = new ServiceProcess(await mkdtemp(join(tmpdir(), "image-sharing-stop-")));
  await service.start();
});
afterEach(async () => {
  await service.kill();
  await rm(service.dataDir, { recursive: true, force: true });
});

/** Starts an upload and waits until the service reads it; `finish` sends the rest. */
async function beginUpload(token: string) {
  const [reading, read] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const form = new FormData();
  form.set("file", new Blob([await pngPhoto()]), "photo.png");
  const whole = new Response(form);
  const contentType = whole.headers.get("content-type") ?? "";
  const bytes = await whole.bytes();
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(bytes.slice(0, 200));
      reading.resolve();
      await read.promise;
      controller.enqueue(bytes.slice(200));
      controller.close();
    },
  });
  const headers = { authorization: `Bearer ${token}`, "content-type": contentType };
  const answer = fetch(`${service.address}/upload`, { method: "POST", body, headers });
  await reading.promise;
  // A later request was answered, so the service has received the upload's first bytes.
  await fetch(`${service.address}/health`);
  return { answer, finish: read.resolve };
}

/** Polls until the service reports that it is stopping. */
async function untilStopping(): Promise<Response> {
  let health: Response | undefined;
  await until(async () => (health = await fetch(`${service.address}/health`)).status === 503);
  return health!;
}

test("shutdown: on SIGTERM, finishes running requests, rejects new ones and exits with status 0", async () => {
  const token = await service.signUp("ada@example.com");
  const upload = await beginUpload(token);
  const ended = service.stop();
  expect(await (await untilStopping()).json()).toEqual({ status: "stopping" });
  const [ready, live] = await Promise.all(["/readyz", "/livez"].map((path) => fetch(service.address + path)));
  expect([ready!.status, await ready!.json(), live!.status]).toEqual([503, { status: "stopping" }, 200]);
  const refused = await fetch(`${service.address}/feed`, { headers: { authorization: `Bearer ${token}` } });
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
  upload.finish();
  const answer = await upload.answer;
  expect([answer.status, ((await answer.json()) as { file_type: string }).file_type]).toEqual([200, "image"]);
  expect(await ended).toBe(0);
  const left = await readdir(service.dataDir, { recursive: true });
  expect(left.filter((name) => /wal|shm|^tmp\/./.test(name))).toEqual([]);
});

test("shutdown: on repeated SIGHUP, finishes running requests and exits with status 0", async () => {
  const upload = await beginUpload(await service.signUp("ada@example.com"));
  const ended = service.stop("SIGHUP");
  await untilStopping();
  void service.stop("SIGHUP");
  upload.finish();
  expect((await upload.answer).status).toBe(200);
  expect(await ended).toBe(0);
});

test("shutdown: on a press of Ctrl-C that reaches the service several times, finishes running requests and exits with status 0", async () => {
  // Within the process, because the kernel merges signals that follow each other closely.
  const script = `
    import { shutDownOnSignals } from ${JSON.stringify(join(import.meta.dir, "../../src/commands/graceful-shutdown.ts"))};
    const server = { pendingRequests: 1, async stop() {} };
    const services = { lifecycle: {}, close: async () => console.log("finished") };
    shutDownOnSignals()(server, services, () => {});
    // As from the terminal, from bun start and from npx.
    for (let repeats = 0; repeats < 3; repeats++) process.emit("SIGINT", "SIGINT");
    server.pendingRequests = 0;
  `;
  const { stdout, exitCode } = Bun.spawnSync([process.execPath, "-e", script]);
  expect([stdout.toString(), exitCode]).toEqual(["finished\n", 0]);
});

// Only Linux tells a process which signals it ignores.
test.skipIf(process.platform !== "linux")("shutdown: ignores SIGHUP when started by nohup", async () => {
  await service.stop();
  const detached = new ServiceProcess(service.dataDir, {}, { program: ["nohup", ...command] });
  await detached.start();
  try {
    process.kill(detached.pid!, "SIGHUP");
    // A service that heeds the signal refuses requests within this time.
    await Bun.sleep(100);
    expect((await fetch(`${detached.address}/health`)).status).toBe(200);
    expect(await detached.stop()).toBe(0);
  } finally {
    await detached.kill();
  }
});

test("shutdown: exits at once on a second SIGTERM", async () => {
  const { answer } = await beginUpload(await service.signUp("ada@example.com"));
  const lost = answer.catch(() => "lost");
  const ended = service.stop();
  await untilStopping();
  void service.stop();
  expect(await ended).toBe(1);
  expect(await lost).toBe("lost");
});
