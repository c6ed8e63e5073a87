// LONG_TESTS=1 waits until the service itself closes every connection, and sends a video at 8 kB per second.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { largeVideo } from "../support/large-video.ts";
import { ServiceProcess } from "../support/process.ts";
import { until } from "../support/until.ts";

const long = Boolean(process.env["LONG_TESTS"]);
const idle = long ? 2000 : 200;
const ofEachKind = long ? 40 : 8;

let service: ServiceProcess;
let token: string;
beforeAll(async () => {
  service = new ServiceProcess(await mkdtemp(join(tmpdir(), "image-sharing-slow-")));
  await service.start();
  token = await service.signUp("ada@example.com");
});
afterAll(async () => {
  await service.kill();
  await rm(service.dataDir, { recursive: true, force: true });
});

/** A connection that has sent some bytes and, if it trickles, sends one more per second. */
interface SlowClient {
  readonly socket: Socket;
  readonly ended: Promise<void>;
}

async function slowClient(first: string | Uint8Array, trickles: boolean): Promise<SlowClient> {
  const { hostname, port } = new URL(service.address);
  const socket = connect(Number(port), hostname);
  const [connected, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  socket.on("connect", connected.resolve).on("close", () => ended.resolve());
  // The service may close it at any time.
  socket.on("error", () => {});
  await connected.promise;
  socket.resume().write(first);
  if (trickles) {
    const timer = setInterval(() => socket.write("x"), 1000);
    socket.on("close", () => clearInterval(timer));
  }
  return { socket, ended: ended.promise };
}

const head = (line: string, ...headers: string[]) =>
  [line, "Host: localhost", ...headers, "", ""].join("\r\n");
const upload = (...headers: string[]) =>
  head(
    "POST /upload HTTP/1.1",
    "Content-Type: multipart/form-data; boundary=B",
    "Content-Length: 900000",
    ...headers,
  ) + '--B\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n';

async function crowd(): Promise<SlowClient[]> {
  const signedIn = `Authorization: Bearer ${token}`;
  const login = head(
    "POST /auth/jwt/login HTTP/1.1",
    "Content-Type: application/x-www-form-urlencoded",
    "Content-Length: 60000",
  );
  // More than the service buffers, and less than the Content-Length.
  const begun = upload(signedIn) + largeVideo(600_000).toString("latin1");
  const kinds: [string, boolean][] = [
    ["GET /feed HTTP/1.1\r\nHost: loc", false],
    ["GET /feed HTTP/1.1\r\nHost: loc", true],
    [`${login}username=`, true],
    [begun, false],
    [begun, true],
    [upload(), true],
  ];
  const clients = Array.from({ length: idle }, () => slowClient("", false));
  for (const [first, trickles] of kinds)
    for (let i = 0; i < ofEachKind; i++) clients.push(slowClient(Buffer.from(first, "latin1"), trickles));
  return Promise.all(clients);
}

/** Connections that request a large video and do not read it. */
async function crowdOfReaders(): Promise<Socket[]> {
  const form = new FormData();
  form.set("file", new Blob([new Uint8Array(largeVideo(8_000_000))]), "video.mp4");
  const answer = await service.fetch("/upload", { method: "POST", body: form, token });
  const { pathname } = new URL(((await answer.json()) as { url: string }).url);
  const { hostname, port } = new URL(service.address);
  return Array.from({ length: ofEachKind }, () => {
    const socket = connect(Number(port), hostname).on("error", () => {});
    socket.pause().write(head(`GET ${pathname} HTTP/1.1`));
    return socket;
  });
}

/** Number of open files and sockets of the service; undefined if the system does not report it. */
const descriptors = () =>
  readdir(`/proc/${service.pid}/fd`).then(
    ({ length }) => length,
    () => undefined,
  );
const tempFiles = async () =>
  (await readdir(join(service.dataDir, "tmp"), { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  ).length;

test(
  "slow clients: do not delay the feed, and leave nothing behind after they disconnect",
  async () => {
    const before = await descriptors();
    const readers = await crowdOfReaders();
    const clients = await crowd();
    await until(async () => (await tempFiles()) === 2 * ofEachKind);
    for (let i = 0; i < 20; i++) {
      const feed = await fetch(`${service.address}/feed`, { headers: { authorization: `Bearer ${token}` } });
      expect([feed.status, await feed.json()]).toMatchObject([200, { posts: [{ file_type: "video" }] }]);
    }
    if (!long) for (const socket of [...clients.map(({ socket }) => socket), ...readers]) socket.destroy();
    await Promise.all(clients.map(({ ended }) => ended));
    await until(async () => (await tempFiles()) === 0);
    // fetch may keep a connection open.
    if (before !== undefined) await until(async () => ((await descriptors()) ?? 0) <= before + 2);
  },
  long ? 200_000 : 60_000,
);

test.skipIf(!long)(
  "slow clients: a video can be uploaded at 8 kB per second",
  async () => {
    const form = new FormData();
    form.set("file", new Blob([new Uint8Array(largeVideo(360_000))]), "video.mp4");
    const whole = new Response(form);
    const contentType = whole.headers.get("content-type") ?? "";
    const bytes = await whole.bytes();
    const body = new ReadableStream({
      async start(controller) {
        for (let at = 0; at < bytes.length; at += 800) {
          controller.enqueue(bytes.slice(at, at + 800));
          await Bun.sleep(100);
        }
        controller.close();
      },
    });
    const headers = { authorization: `Bearer ${token}`, "content-type": contentType };
    const answer = await fetch(`${service.address}/upload`, { method: "POST", body, headers });
    expect(answer.status).toBe(200);
  },
  90_000,
);
