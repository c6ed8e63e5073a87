// Runs alone: the service takes a client that pauses for a quarter of a second to wait for the response.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ApiError } from "../../src/errors.ts";
import { errorResponse } from "../../src/http/error-response.ts";
import { afterBody } from "../../src/http/unread-body.ts";
import { ServiceProcess } from "../support/process.ts";
import { head } from "../support/raw-http.ts";

const immediately = setImmediate;
const settle = async () => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => immediately(resolve));
};

/** A request whose body the test sends step by step, and the outcome of its response. */
function refusedRequest() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const sent: Uint8Array[] = [];
  const writer = writable.getWriter();
  const request = new Request("http://localhost/upload", { method: "POST", body: readable });
  const outcome: { response?: Response; content: string; isOver: boolean } = { content: "", isOver: false };
  void afterBody(request, errorResponse(new ApiError("UNAUTHORIZED"))).then(async (response) => {
    outcome.response = response;
    for await (const chunk of response.body!) outcome.content += new TextDecoder().decode(chunk);
    outcome.isOver = true;
  });
  return {
    outcome,
    sent,
    send: (chunk = new Uint8Array(1000)) => {
      sent.push(chunk);
      void writer.write(chunk).catch(() => {});
    },
    end: () => void writer.close().catch(() => {}),
    breakOff: () => void writer.abort(new DOMException("gone", "AbortError")),
  };
}

describe("unread body: response before the end of the request body", () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());
  const pass = async (ms: number) => {
    await settle();
    jest.advanceTimersByTime(ms);
    await settle();
  };

  test("unread body: frees each chunk that it discards, but no part of a larger buffer", async () => {
    const { sent, send, end } = refusedRequest();
    send();
    send(new Uint8Array(1000).subarray(500));
    await settle();
    expect(sent.map(({ length }) => length)).toEqual([0, 500]);
    end();
    await settle();
  });

  test("unread body: the response waits for the rest of the body and keeps the connection", async () => {
    const { outcome, send, end } = refusedRequest();
    for (let i = 0; i < 5; i++) {
      send();
      await pass(200);
    }
    expect(outcome.response).toBeUndefined();
    end();
    await settle();
    expect(outcome.response?.status).toBe(401);
    expect(outcome.response?.headers.has("connection")).toBe(false);
    expect(outcome).toMatchObject({ content: '{"detail":"Unauthorized"}', isOver: true });
    expect(jest.getTimerCount()).toBe(0);
  });

  test("unread body: responds after 250 ms without data", async () => {
    const { outcome, send } = refusedRequest();
    send();
    await pass(200);
    expect(outcome.response).toBeUndefined();
    await pass(60);
    expect(outcome.response?.status).toBe(401);
    expect(outcome.response?.headers.get("connection")).toBe("close");
    expect(outcome.content).toBe('{"detail":"Unauthorized"}');
    await pass(250);
    expect(outcome.isOver).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("unread body: responds to an endless body after two seconds, and ends the response two seconds later", async () => {
    const { outcome, send } = refusedRequest();
    const sendFor = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 100) {
        send();
        await pass(100);
      }
    };
    await sendFor(1900);
    expect(outcome.response).toBeUndefined();
    await sendFor(200);
    expect(outcome.response?.headers.get("connection")).toBe("close");
    await sendFor(1700);
    expect(outcome).toMatchObject({ content: '{"detail":"Unauthorized"}', isOver: false });
    await sendFor(400);
    expect(outcome.isOver).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("unread body: ends a response without content immediately even if the request body does not end", async () => {
    const { readable } = new TransformStream<Uint8Array, Uint8Array>();
    const request = new Request("http://localhost/", { method: "POST", body: readable });
    let answered: Response | undefined;
    void afterBody(request, new Response(null, { status: 204 })).then((response) => (answered = response));
    await pass(260);
    expect([answered?.status, answered?.headers.get("connection"), answered?.body]).toEqual([
      204,
      "close",
      null,
    ]);
  });

  test("unread body: leaves no timer when the client disconnects", async () => {
    const { outcome, send, breakOff } = refusedRequest();
    send();
    await pass(100);
    breakOff();
    await settle();
    expect(outcome.response?.status).toBe(401);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe("unread body: client that sends its whole body before it reads", () => {
  let service: ServiceProcess;
  let token: string;
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "image-sharing-unread-"));
    service = new ServiceProcess(folder, { MAX_IMAGE_SIZE: "1mb", MAX_VIDEO_SIZE: "2mb" });
    await service.start();
    token = await service.signUp("ada@example.com");
  });
  afterAll(async () => {
    await service.kill();
    await rm(service.dataDir, { recursive: true, force: true });
  });

  const bytes = 6_000_000;
  const part = '--B\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n';
  const multipart = "Content-Type: multipart/form-data; boundary=B";
  const signedIn = () => `Authorization: Bearer ${token}`;
  const length = `Content-Length: ${bytes}`;
  const chunked = "Transfer-Encoding: chunked";
  const refusals: [string, number, () => string[], string][] = [
    ["an upload without a token", 401, () => ["POST /upload HTTP/1.1", multipart, length], part],
    ["an upload without a token in chunks", 401, () => ["POST /upload HTTP/1.1", multipart, chunked], part],
    [
      "an upload that is too large",
      413,
      () => ["POST /upload HTTP/1.1", signedIn(), multipart, length],
      part,
    ],
    [
      "an upload in chunks of no image",
      415,
      () => ["POST /upload HTTP/1.1", signedIn(), multipart, chunked],
      part,
    ],
    ["a large body of JSON", 413, () => ["POST /auth/register HTTP/1.1", length], ""],
    ["a body to nowhere", 404, () => ["POST /nope HTTP/1.1", length], ""],
    ["a body by another method", 405, () => ["PUT /feed HTTP/1.1", length], ""],
    ["a body that nobody wants", 401, () => ["DELETE /users/me HTTP/1.1", length], ""],
  ];

  /** Sends a whole request slowly, then another on the same connection if `more` is given. Returns everything received. */
  function sendAll([line, ...headers]: string[], begin: string, ...more: string[]): Promise<string> {
    const { hostname, port } = new URL(service.address);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const socket = connect(Number(port), hostname).on("error", reject);
    const isChunked = headers.includes(chunked);
    let received = "";
    let sentAgain = false;
    socket.on("data", (data) => {
      received += data.toString("latin1");
      const isWhole = received.endsWith("}");
      if (isWhole && more.length > 0 && !sentAgain) {
        sentAgain = true;
        socket.write(head("GET /health HTTP/1.1", "Host: localhost"));
      } else if (isWhole) socket.end();
    });
    socket.on("close", () => resolve(received));
    socket.on("connect", async () => {
      socket.write(
        head(line!, "Host: localhost", ...headers, ...(more.length > 0 ? [] : ["Connection: close"])),
      );
      const pieces = 60;
      for (let i = 0; i < pieces; i++) {
        const piece = i === 0 ? begin.padEnd(bytes / pieces, "x") : "x".repeat(bytes / pieces);
        socket.write(isChunked ? `${piece.length.toString(16)}\r\n${piece}\r\n` : piece);
        await Bun.sleep(2);
      }
      if (isChunked) socket.write("0\r\n\r\n");
    });
    return promise;
  }

  test.each(refusals)("unread body: %s gets %d, and the connection can be reused", async (...refusal) => {
    const [, status, request, begin] = refusal;
    const received = await sendAll(request(), begin, "again");
    expect(received).toStartWith(`HTTP/1.1 ${status} `);
    expect(received).not.toContain("onnection: close");
    expect(received).toContain("}HTTP/1.1 200 OK");
    expect(received).toEndWith('{"status":"ok"}');
  });

  test.each(refusals)(
    "unread body: %s with Connection: close gets %d without a reset",
    async (...refusal) => {
      const [, status, request, begin] = refusal;
      for (let i = 0; i < 3; i++) expect(await sendAll(request(), begin)).toStartWith(`HTTP/1.1 ${status} `);
    },
  );
});
