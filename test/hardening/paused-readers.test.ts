// LONG_TESTS=1 uses the service's own timeouts of some minutes instead of short ones.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { limits } from "../../src/http/connections.ts";
import { largeVideo } from "../support/large-video.ts";
import { ServiceProcess } from "../support/process.ts";
import { head } from "../support/raw-http.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

const long = Boolean(process.env["LONG_TESTS"]);
/** The guaranteed pause in seconds, and the latest end: Bun's clock moves in steps of four. */
const promised = long ? { idle: 75, pause: 119 } : { idle: 3, pause: 11 };
const set = long ? limits : { idleSeconds: 7, pauseSeconds: 16 };
const late = { idle: set.idleSeconds + 8, pause: set.pauseSeconds + 8 };

let folder: string;
let service: ServiceProcess | TestService;
let server: Bun.Server<undefined> | undefined;
let address: URL;
/** The path of a stored video, and its length. */
let media: string;
let length: number;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-paused-"));
  let token: string;
  if (long) {
    service = new ServiceProcess(folder);
    await service.start();
    address = new URL(service.address);
    token = await service.signUp("ada@example.com");
  } else {
    service = await TestService.start();
    const options = { port: 0, hostname: "127.0.0.1", development: false, idleTimeout: set.idleSeconds };
    server = Bun.serve({ ...options, fetch: service.firstHandler });
    service.services.connections.listen(server, set);
    address = new URL(server.url);
    ({ token } = await service.signUp());
  }
  const video = largeVideo(20_000_000);
  length = video.length;
  const form = new FormData();
  form.set("file", new Blob([new Uint8Array(video)]), "v.mp4");
  const shared = await service.fetch("/upload", { method: "POST", body: form, token });
  media = new URL(((await shared.json()) as { url: string }).url).pathname;
});
afterAll(async () => {
  await server?.stop(true);
  await (service instanceof TestService ? service.close() : service.kill());
  await rm(folder, { recursive: true, force: true });
});

interface Reader {
  readonly socket: Socket;
  received: number;
  isOver: boolean;
  /** Seconds from the start after which the service ended the connection. */
  readonly ended: Promise<number>;
}

function read(path: string): Reader {
  const { promise: ended, resolve } = Promise.withResolvers<number>();
  const started = Date.now();
  const socket = connect(Number(address.port), address.hostname);
  const reader: Reader = { socket, received: 0, isOver: false, ended };
  socket.on("data", (data) => (reader.received += data.length));
  socket
    .on("error", () => {})
    .on("close", () => {
      reader.isOver = true;
      resolve((Date.now() - started) / 1000);
    });
  socket.write(head(`GET ${path} HTTP/1.1`, "Host: localhost"));
  return reader;
}

const timeLimit = (late.pause + late.pause) * 1000;

test.concurrent(
  "paused reader: a download continues after a pause",
  async () => {
    const reader = read(media);
    for (let pauses = 0; pauses < (long ? 2 : 1); pauses++) {
      const before = reader.received;
      await until(() => reader.received >= before + 1_000_000 || reader.isOver);
      reader.socket.pause();
      await Bun.sleep(promised.pause * 1000);
      expect(reader.received).toBeLessThan(length);
      reader.socket.resume();
    }
    await until(() => reader.received >= length || reader.isOver);
    reader.socket.destroy();
    expect(reader.received).toBeGreaterThan(length);
  },
  3 * timeLimit,
);

test.concurrent(
  "paused reader: a client that stops reading is disconnected",
  async () => {
    const reader = read(media);
    reader.socket.pause();
    // A paused socket does not emit its end.
    await Bun.sleep(late.pause * 1000);
    reader.socket.resume();
    await reader.ended;
    expect(reader.received).toBeLessThan(length);
  },
  timeLimit,
);

test.concurrent(
  "idle connection: can be reused for a while and is then closed",
  async () => {
    const reader = read("/health");
    await Bun.sleep(promised.idle * 1000);
    const before = reader.received;
    reader.socket.write(head("GET /health HTTP/1.1", "Host: localhost"));
    await until(() => reader.received === 2 * before);
    const seconds = (await reader.ended) - promised.idle;
    expect(seconds).toBeGreaterThan(promised.idle);
    expect(seconds).toBeLessThan(late.idle);
  },
  timeLimit,
);
