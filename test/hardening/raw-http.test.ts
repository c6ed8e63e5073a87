import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { largeVideo } from "../support/large-video.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { ServiceProcess } from "../support/process.ts";
import { exchange, head, longEnough } from "../support/raw-http.ts";
import { until } from "../support/until.ts";

let service: ServiceProcess;
let token: string;
let signedIn: string;
let video: Buffer;
/** The path of a stored video of some megabytes. */
let media: string;
beforeAll(async () => {
  service = new ServiceProcess(await mkdtemp(join(tmpdir(), "image-sharing-raw-")), {
    MAX_IMAGE_SIZE: "1mb",
    MAX_VIDEO_SIZE: "6mb",
  });
  await service.start();
  token = await service.signUp("ada@example.com");
  signedIn = `Authorization: Bearer ${token}`;
  video = largeVideo(5_000_000);
  const form = new FormData();
  form.set("file", new Blob([new Uint8Array(video)]), "v.mp4");
  const shared = await fetch(`${service.address}/upload`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: form,
  });
  media = new URL(((await shared.json()) as { url: string }).url).pathname;
});
afterAll(async () => {
  await service.kill();
  await rm(service.dataDir, { recursive: true, force: true });
});
afterEach(async () => {
  const health = await fetch(`${service.address}/health`);
  expect([health.status, await health.text()]).toEqual([200, '{"status":"ok"}']);
});

const host = "Host: localhost";
const multipart = "Content-Type: multipart/form-data; boundary=B";
const json = "Content-Type: application/json";
const chunked = "Transfer-Encoding: chunked";
const post = (path: string, ...headers: string[]) => head(`POST ${path} HTTP/1.1`, host, ...headers);
const partHead = '--B\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n';
/** Gets 200 if it is parsed as a request. */
const hidden = () => head("GET /users/me HTTP/1.1", host, signedIn);

describe("request smuggling: unread body after an early response", () => {
  const length = "Content-Length: 100000";
  test.each<[string, number, () => string]>([
    ["without a token", 401, () => post("/upload", multipart, length)],
    [
      "that is too large",
      413,
      () => post("/upload", signedIn, multipart, "Content-Length: 900000000") + partHead,
    ],
    ["that is not a form", 422, () => post("/upload", signedIn, json, length)],
    [
      "of an unsupported format",
      415,
      () => post("/upload", signedIn, multipart, "Content-Length: 900000") + partHead + "x".repeat(300_000),
    ],
    ["to an unknown route", 404, () => post("/nope", length)],
    ["with another method", 405, () => head("PUT /feed HTTP/1.1", host, length)],
    ["with DELETE", 401, () => head("DELETE /users/me HTTP/1.1", host, length)],
  ])("request smuggling: the body of a request %s is not parsed as a request", async (_, status, request) => {
    // The response waits briefly for the rest of the body, and then the connection is closed.
    const pieces = [request(), hidden(), hidden()];
    const { statuses, text, closed } = await exchange(service.address, pieces, { quiet: longEnough });
    expect({ statuses, closed }).toEqual({ statuses: [status], closed: true });
    expect(text).not.toContain("ada@example.com");
  });

  test.each(["GET", "HEAD"])(
    "request smuggling: the body of a %s is not parsed as a request",
    async (method) => {
      const request = head(`${method} /users/me HTTP/1.1`, host, length);
      expect((await exchange(service.address, [request, hidden()])).statuses).toEqual([401]);
    },
  );

  test("request smuggling: a request after a complete body gets a response", async () => {
    const request = `${post("/upload", multipart, "Content-Length: 5")}hello${hidden()}`;
    expect((await exchange(service.address, [request], { answers: 2 })).statuses).toEqual([401, 200]);
  });
});

test.each<[string, string, string]>([
  ["a length and chunks", post("/auth/register", json, "Content-Length: 5", chunked), "0\r\n\r\n"],
  ["two lengths", post("/auth/register", json, "Content-Length: 2", "Content-Length: 0"), "{}"],
  ["a list of lengths", post("/auth/register", json, "Content-Length: 2, 2"), "{}"],
  ["a negative length", post("/auth/register", json, "Content-Length: -5"), "{}"],
  ["a length with a sign", post("/auth/register", json, "Content-Length: +2"), "{}"],
  ["an invalid length", post("/auth/register", json, "Content-Length: 0x2"), "{}"],
  ["a huge length", post("/auth/register", json, `Content-Length: ${"9".repeat(24)}`), "{}"],
  ["an unknown coding", post("/auth/register", json, "Transfer-Encoding: xchunked"), "0\r\n\r\n"],
  ["two codings", post("/auth/register", json, chunked, "Transfer-Encoding: identity"), "0\r\n\r\n"],
  ["a chunk without a size", post("/auth/register", json, chunked), "zz\r\n{}\r\n0\r\n\r\n"],
  ["a chunk of a huge size", post("/auth/register", json, chunked), `${"f".repeat(18)}\r\n{}\r\n0\r\n\r\n`],
  ["a blank before a colon", head("GET /health HTTP/1.1", host, "Content-Length : 5"), ""],
  ["a folded header", head("GET /health HTTP/1.1", host, "X-A: b", " c"), ""],
  ["an invalid header", head("GET /health HTTP/1.1", host, "nonsense"), ""],
  ["NUL in a header", head("GET /health HTTP/1.1", host, "X-A: b\0c"), ""],
  ["no host", head("GET /health HTTP/1.1"), ""],
])(
  "raw http: rejects %s, which is ambiguous, with 400 and closes the connection",
  async (_, request, body) => {
    const { statuses, closed } = await exchange(service.address, [request + body + hidden()], {
      quiet: longEnough,
    });
    expect({ statuses, closed }).toEqual({ statuses: [400], closed: true });
  },
);

test.each<[string, string]>([
  ["large headers", head("GET /health HTTP/1.1", host, `X-A: ${"a".repeat(100_000)}`)],
  ["many headers", head("GET /health HTTP/1.1", host, ...Array.from({ length: 500 }, (_, i) => `X-${i}: a`))],
  ["a long path", head(`GET /${"a".repeat(20_000)} HTTP/1.1`, host)],
  ["a path with a blank", head("GET /he alth HTTP/1.1", host)],
  ["a path with NUL", head("GET /hea\0lth HTTP/1.1", host)],
  ["lines that end with LF alone", "GET /health HTTP/1.1\nHost: localhost\n\n"],
  ["another version", head("GET /health HTTP/2.0", host)],
  ["no version", "GET /health\r\n\r\n"],
  ["the greeting of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["a method in lower case", head("get /health HTTP/1.1", host)],
  ["the greeting of TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  ["any bytes", "\x00\xff".repeat(1000)],
])("raw http: closes the connection after %s without a body", async (_, request) => {
  const { statuses, closed, text } = await exchange(service.address, [request + hidden()], {
    quiet: longEnough,
  });
  expect(closed).toBe(true);
  expect(statuses.length).toBeLessThanOrEqual(1);
  for (const status of statuses) expect([400, 431, 505]).toContain(status);
  expect(text.split("\r\n\r\n")[1] ?? "").toBe("");
});

test.each<[string, number, () => string]>([
  ["TRACE", 405, () => head("TRACE /health HTTP/1.1", host, "X-A: marker")],
  ["an unknown method", 405, () => head("PROPFIND /health?marker HTTP/1.1", host)],
  ["CONNECT", 404, () => head("CONNECT marker:443 HTTP/1.1", host)],
  ["an invalid host", 200, () => head("GET /health HTTP/1.1", "Host: <marker>")],
  ["two hosts", 200, () => head("GET /health HTTP/1.1", host, "Host: marker")],
  ["the address of another host", 200, () => head("GET http://marker.example/health HTTP/1.1", host)],
  [
    "another protocol",
    200,
    () => head("GET /health HTTP/1.1", host, "Connection: Upgrade", "Upgrade: marker"),
  ],
  ["HTTP/1.0", 200, () => head("GET /health HTTP/1.0")],
  ["an unknown expectation", 401, () => head("GET /users/me HTTP/1.1", host, "Expect: marker")],
])("raw http: the response to %s repeats none of it", async (_, status, request) => {
  const { statuses, text } = await exchange(service.address, [request()]);
  expect(statuses).toEqual([status]);
  expect(text).not.toContain("marker");
});

// The behaviour of Bun that docs/operations.md describes. If one of these fails, Bun has changed: update that page.
describe("bun: connections", () => {
  const form = "username=nobody%40example.com&password=wrong-password";
  const type = "Content-Type: application/x-www-form-urlencoded";
  const login = () => post("/auth/jwt/login", type, `Content-Length: ${form.length}`) + form;
  const page = () => head("GET / HTTP/1.1", host);
  const photoUpload = async () => {
    const photo = Buffer.from(await pngPhoto()).toString("latin1");
    const body = `${partHead}${photo}\r\n--B--\r\n`;
    return post("/upload", signedIn, multipart, `Content-Length: ${body.length}`) + body;
  };
  const posts = async () => {
    const answer = await fetch(`${service.address}/feed`, { headers: { authorization: `Bearer ${token}` } });
    return ((await answer.json()) as { posts: unknown[] }).posts.length;
  };

  test("bun: immediate responses to pipelined requests come in order", async () => {
    const requests = page() + head("GET /nope HTTP/1.1", host) + page();
    const { statuses } = await exchange(service.address, [requests], { answers: 3 });
    expect(statuses).toEqual([200, 404, 200]);
  });

  test("bun: a pipelined request behind a pending one closes the connection without a response", async () => {
    const { statuses, closed } = await exchange(service.address, [login() + page()], {
      quiet: longEnough,
    });
    expect({ statuses, closed }).toEqual({ statuses: [], closed: true });
  });

  test("bun: a half-closed connection gets only an immediate response", async () => {
    const options = { quiet: longEnough, end: true };
    const quick = await exchange(service.address, [page()], options);
    expect([quick.statuses, quick.closed]).toEqual([[200], true]);
    const before = await posts();
    for (const request of [login(), await photoUpload()]) {
      const { statuses, closed } = await exchange(service.address, [request], options);
      expect({ statuses, closed }).toEqual({ statuses: [], closed: true });
    }
    // A post would appear within this time.
    await Bun.sleep(300);
    expect(await posts()).toBe(before);
  });
});

test("raw http: Expect: 100-continue gets 100, or the final status before the body", async () => {
  const waiting = ["Content-Length: 50", "Expect: 100-continue"];
  const refused = await exchange(service.address, [post("/upload", multipart, ...waiting)], {
    quiet: longEnough,
  });
  expect(refused.statuses.at(-1)).toBe(401);
  const body = `${partHead}x`.padEnd(50).slice(0, 50);
  const taken = await exchange(service.address, [post("/upload", signedIn, multipart, ...waiting), body], {
    answers: 2,
  });
  expect(taken.statuses[0]).toBe(100);
  expect(taken.statuses[1]).toBeOneOf([400, 415, 422]);
});

test("raw http: every response to HEAD has one Date", async () => {
  for (const path of [media, "/", "/health", "/nope", "/users/me", "/openapi.json"])
    for (const extra of [[], ["If-None-Match: *"], ["Range: bytes=9999999-"]]) {
      const { text } = await exchange(service.address, [head(`HEAD ${path} HTTP/1.1`, host, ...extra)], {
        quiet: 0,
      });
      expect([path, text.match(/^date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r$/gim)?.length]).toEqual([
        path,
        1,
      ]);
    }
}, 60_000);

/** The names of the temp files of running uploads. */
const tempFiles = async () =>
  (await readdir(join(service.dataDir, "tmp"), { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
const descriptors = async () => (await readdir(`/proc/${service.pid}/fd`)).length;

/** Sends the bytes and then resets the connection. */
async function sendAndLeave(bytes: Uint8Array, receive: number): Promise<void> {
  const { hostname, port } = new URL(service.address);
  const { promise, resolve } = Promise.withResolvers<void>();
  let received = 0;
  const socket = connect(Number(port), hostname, () => {
    socket.write(bytes, () => receive === 0 && setTimeout(() => (socket.resetAndDestroy(), resolve()), 20));
  });
  socket.on("error", () => resolve());
  socket.on("data", (data) => {
    received += data.length;
    if (received < receive) return;
    socket.resetAndDestroy();
    resolve();
  });
  await promise;
}

test.skipIf(process.platform !== "linux")(
  "raw http: a client that disconnects during a transfer leaves no file and no open descriptor",
  async () => {
    const open = await descriptors();
    const request = Buffer.concat([
      Buffer.from(
        post("/upload", signedIn, multipart, `Content-Length: ${video.length + 200}`) + partHead,
        "latin1",
      ),
      video,
    ]);
    const cuts = [10, 200, 400, 1000, 100_000, 1_000_000, request.length];
    await Promise.all(cuts.map((cut) => sendAndLeave(request.subarray(0, cut), 0)));
    const download = Buffer.from(head(`GET ${media} HTTP/1.1`, host), "latin1");
    await Promise.all([1, 1000, 100_000, 1_000_000].map((bytes) => sendAndLeave(download, bytes)));

    await until(async () => (await tempFiles()).length === 0);
    await until(async () => (await descriptors()) <= open);
  },
  60_000,
);

test("raw http: a slow reader gets every byte", async () => {
  const { hostname, port } = new URL(service.address);
  let received = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect(Number(port), hostname, () => {
    socket.write(head(`GET ${media} HTTP/1.1`, host, "Connection: close"));
  });
  socket.on("data", (data) => {
    received += data.length;
    socket.pause();
    setTimeout(() => socket.resume(), 1);
  });
  socket.on("close", () => resolve());
  await promise;
  expect(received).toBeGreaterThan(video.length);
}, 60_000);

test("raw http: accepts an upload in chunks of one byte and in a single chunk", async () => {
  const photo = await pngPhoto();
  const end = "\r\n--B--\r\n";
  const body = Buffer.concat([Buffer.from(partHead, "latin1"), photo, Buffer.from(end, "latin1")]);
  const chunk = (bytes: Uint8Array) => [
    Buffer.from(`${bytes.length.toString(16)}\r\n`),
    bytes,
    Buffer.from("\r\n"),
  ];
  const chunks = [...body.subarray(0, 200)].flatMap((byte) => chunk(Uint8Array.of(byte)));
  const bytes = Buffer.concat([
    Buffer.from(post("/upload", signedIn, multipart, chunked), "latin1"),
    ...chunks,
    ...chunk(body.subarray(200)),
    Buffer.from("0\r\n\r\n"),
  ]);
  expect((await exchange(service.address, [bytes], { answers: 1 })).statuses).toEqual([200]);
});
