import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { basename } from "node:path";

import { createExports } from "../../src/accounts/export.ts";
import { mediaName, renditionName } from "../../src/accounts/exported-post.ts";
import type { MediaStore } from "../../src/storage/media-store.ts";
import { startFakeS3 } from "../support/fake-s3.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { head } from "../support/raw-http.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { unzip } from "../support/unzip.ts";

let service: TestService;
let user: Awaited<ReturnType<TestService["signUp"]>>;
let photo: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  service = await TestService.start();
  photo = new Uint8Array(await pngPhoto());
});
afterAll(() => service.close());
beforeEach(async () => {
  user = await service.signUp();
});

const ask = (token = user.token, on = service) => on.fetch("/users/me/export", { token });
const share = async (name: string, caption = "", on = service, token = user.token) => {
  const upload = await on.upload(token, new Blob([photo]), caption, name);
  return (await upload.json()) as { id: string; created_at: string; bytes: number; url: string };
};

describe("GET /users/me/export", () => {
  test("GET /users/me/export: streams account, posts and media, and nothing of others", async () => {
    await service.fetch("/users/me", { method: "PATCH", token: user.token, json: { name: "Ada" } });
    const first = await share("snow.png", "First snow ❄");
    const second = await share("snow.png");
    const other = await service.signUp();
    await share("other.png", "", service, other.token);
    const stored = await (await service.fetch(new URL(first.url).pathname)).bytes();

    const answer = await ask();
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/zip");
    expect(answer.headers.get("content-disposition")).toMatch(
      /^attachment; filename="image-sharing-\d{4}-\d\d-\d\d\.zip"$/,
    );
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const files = await unzip(await answer.bytes());
    const names = [second, first].map(({ id, created_at }) => `${created_at.slice(0, 10)}_snow_${id}`);
    const namesOfFiles = names.flatMap((name) => [`media/${name}.png`, `renditions/${name}.thumb.webp`]);
    expect([...files.keys()]).toEqual(["account.json", "posts.json", ...namesOfFiles]);
    expect(JSON.parse(files.get("account.json") as string)).toEqual({
      id: user.id,
      email: user.email,
      name: "Ada",
      is_active: true,
      is_superuser: false,
      is_verified: false,
      created_at: expect.any(String),
      identities: [],
    });
    const posts = JSON.parse(files.get("posts.json") as string) as object[];
    expect(posts).toHaveLength(2);
    expect(posts[1]).toEqual({
      id: first.id,
      caption: "First snow ❄",
      alt: "",
      file_type: "image",
      file_name: "snow.png",
      content_type: "image/png",
      bytes: first.bytes,
      width: expect.any(Number),
      height: expect.any(Number),
      duration_seconds: null,
      created_at: first.created_at,
      edited_at: null,
      media: `media/${names[1]}.png`,
      thumbnail: `renditions/${names[1]}.thumb.webp`,
      display: null,
    });
    expect(files.get(`media/${names[1]}.png`)).toEqual(stored);
  });

  test("GET /users/me/export: an account without posts gets an empty list", async () => {
    const files = await unzip(await (await ask()).bytes());
    expect([...files.keys()]).toEqual(["account.json", "posts.json"]);
    expect(JSON.parse(files.get("posts.json") as string)).toEqual([]);
  });

  test("GET /users/me/export: contains the posts that a reactivation has not shown again yet", async () => {
    const { id } = await share("snow.png");
    const { users, posts } = service.services.database;
    await users.change("operator", user, { isActive: false });
    await posts.syncPostStates(user.id);
    await users.change("operator", user, { isActive: true });
    expect(await posts.byId(id)).toBeUndefined();
    const { access_token } = (await (await service.login(user.email)).json()) as { access_token: string };
    const files = await unzip(await (await ask(access_token)).bytes());
    expect(JSON.parse(files.get("posts.json") as string)).toMatchObject([{ id }]);
    expect([...files.keys()].at(-1)).toContain(id);
  });

  test("GET /users/me/export: works for media in a bucket", async () => {
    const fake = await startFakeS3();
    const on = await TestService.start({
      S3_BUCKET: fake.bucket,
      S3_ENDPOINT: fake.url,
      S3_REGION: fake.region,
      S3_ACCESS_KEY_ID: fake.accessKeyId,
      S3_SECRET_ACCESS_KEY: fake.secretAccessKey,
    });
    try {
      const { token } = await on.signUp();
      const { id, bytes } = await share("snow.png", "", on, token);
      const files = await unzip(await (await ask(token, on)).bytes());
      const original = [...files.keys()].find((name) => name.startsWith("media/"));
      expect(original).toContain(id);
      expect(files.get(original!)).toHaveLength(bytes);
    } finally {
      await on.close();
      await fake.close();
    }
  });

  test("GET /users/me/export: leaves out media that are gone", async () => {
    const kept = await share("kept.png");
    const { url } = await share("lost.png");
    await service.services.disk.delete(
      new URL(url).pathname.split("/").at(-1)!,
      null,
      AbortSignal.timeout(9999),
    );
    const files = await unzip(await (await ask()).bytes());
    expect([...files.keys()].filter((name) => name.startsWith("media/"))).toEqual([
      expect.stringContaining(kept.id) as unknown as string,
    ]);
    expect(service.logged.join("")).toContain("export.media_missing");
  });

  test.each([
    [
      "deleted",
      () =>
        service.fetch("/users/me", {
          method: "DELETE",
          token: user.token,
          json: { password: "correct horse battery" },
        }),
    ],
    ["deactivated", () => service.services.database.users.change("operator", user, { isActive: false })],
  ])("GET /users/me/export: the stream fails when the account is %s in the meantime", async (_, end) => {
    await share("snow.png");
    const reader = (await ask()).body!.getReader();
    await reader.read();
    await end();
    const rest = async () => {
      while (!(await reader.read()).done);
    };
    await expect(rest()).rejects.toBeUndefined();
    expect(service.logged.at(-1)).toContain('"export.failed"');
    // The next test may use the slot.
    expect((await ask()).status).toBe(401);
  });

  test("GET /users/me/export: answers 429 to a third export at once, and 200 after one is cancelled or ends", async () => {
    const node = await TestService.start();
    const nodeFetch = (token: string) =>
      node.firstHandler(
        new Request("http://localhost/users/me/export", { headers: { authorization: `Bearer ${token}` } }),
      );
    try {
      const { token } = await node.signUp();
      const [first, second] = [await nodeFetch(token), await nodeFetch(token)];
      const third = await nodeFetch(token);
      expect([third.status, third.headers.get("retry-after")]).toEqual([429, "30"]);
      expect((await nodeFetch((await node.signUp()).token)).status).toBe(200);
      await first.body!.cancel();
      const fourth = await nodeFetch(token);
      expect(fourth.status).toBe(200);
      await second.bytes();
      expect((await nodeFetch(token)).status).toBe(200);
      expect((await nodeFetch(token)).status).toBe(429);
    } finally {
      await node.close();
    }
  });

  test("GET /users/me/export: answers 401 without a token, and HEAD without a body", async () => {
    expect((await ask("")).status).toBe(401);
    for (let i = 0; i < 4; i++) {
      const head = await service.fetch("/users/me/export", { method: "HEAD", token: user.token });
      expect([head.status, (await head.bytes()).length]).toEqual([200, 0]);
    }
    expect((await ask()).status).toBe(200);
  });
});

describe("exports", () => {
  const address = "203.0.113.9";
  /** A store of endless files, and what happened to them. */
  function endlessStore() {
    const state = { chunks: 0, aborted: false };
    const store = {
      read: async (_key: string, signal: AbortSignal) => {
        signal.addEventListener("abort", () => (state.aborted = true));
        const stream = new ReadableStream<Uint8Array>(
          {
            pull(controller) {
              state.chunks++;
              controller.enqueue(new Uint8Array(65_536));
            },
          },
          { highWaterMark: 0 },
        );
        return { stream, bytes: null };
      },
    } as unknown as MediaStore;
    return { store, state };
  }
  const exportFrom = async (store: MediaStore, gone = new AbortController().signal, withPost = true) => {
    if (withPost) await share("endless.png");
    const exports = createExports({ ...service.services, storeNamed: () => store });
    return (
      await exports.start((await service.services.database.users.byId(user.id))!, address, gone)
    ).getReader();
  };
  const readChunks = async (reader: { read(): Promise<unknown> }, count: number) => {
    for (let i = 0; i < count; i++) await reader.read();
  };

  test("exports: an unexpected error is not taken for too many exports", async () => {
    const account = (await service.services.database.users.byId(user.id))!;
    const start = createExports(service.services).start(
      account,
      address,
      "no signal" as unknown as AbortSignal,
    );
    await expect(start).rejects.toBeInstanceOf(TypeError);
  });

  test("exports: read no faster than the client", async () => {
    const { store, state } = endlessStore();
    const reader = await exportFrom(store);
    let received = 0;
    for (let i = 0; i < 40; i++) received += (await reader.read()).value?.length ?? 0;
    for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(state.chunks * 65_536 - received).toBeWithin(0, 8_000_000);
    await reader.cancel();
  });

  test("exports: stop reading when the client cancels the download", async () => {
    const { store, state } = endlessStore();
    const reader = await exportFrom(store);
    await readChunks(reader, 40);
    await reader.cancel();
    const turns = async () => {
      for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    };
    // One read may be under way.
    await turns();
    const { chunks } = state;
    await turns();
    expect(state).toEqual({ chunks, aborted: true });
  });

  test("exports: a client that stops reading loses its download, and its slot is free again", async () => {
    const { store, state } = endlessStore();
    await share("endless.png");
    const account = (await service.services.database.users.byId(user.id))!;
    const pace = { windowMs: 50, minBytes: Number.MAX_SAFE_INTEGER };
    const exports = createExports({ ...service.services, storeNamed: () => store }, pace);
    const start = () => exports.start(account, address, new AbortController().signal);
    const paused = [await start(), await start()].map((archive) => archive.getReader());
    await expect(start()).rejects.toMatchObject({ code: "TOO_MANY_REQUESTS" });
    await until(() => service.logged.filter((line) => line.includes('"export.too_slow"')).length === 2);
    for (const reader of paused) await expect(readChunks(reader, 1)).rejects.toBeUndefined();
    await (await start()).cancel();
    expect(state.aborted || state.chunks === 0).toBe(true);
  });

  test("exports: the connection of a client that stops reading is cut", async () => {
    const { store } = endlessStore();
    await share("endless.png");
    const account = (await service.services.database.users.byId(user.id))!;
    const pace = { windowMs: 100, minBytes: Number.MAX_SAFE_INTEGER };
    const exports = createExports({ ...service.services, storeNamed: () => store }, pace);
    await using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      development: false,
      fetch: async (request) => new Response(await exports.start(account, address, request.signal)),
    });
    service.logged.length = 0;
    const closed = Promise.withResolvers<void>();
    const socket = connect(server.port!, "127.0.0.1")
      .on("error", () => {})
      .on("close", () => closed.resolve());
    socket.write(head("GET / HTTP/1.1", "Host: localhost"));
    socket.once("data", () => socket.pause());
    await until(() => service.logged.some((line) => line.includes('"export.too_slow"')));
    socket.resume();
    await closed.promise;
    expect(service.logged.filter((line) => line.includes('"export.'))).toHaveLength(1);
  });

  test("exports: a client that reads on keeps its download, whatever its pace", async () => {
    const { store } = endlessStore();
    await share("endless.png");
    const account = (await service.services.database.users.byId(user.id))!;
    const exports = createExports(
      { ...service.services, storeNamed: () => store },
      { windowMs: 1, minBytes: 0 },
    );
    const reader = (await exports.start(account, address, new AbortController().signal)).getReader();
    for (let i = 0; i < 10; i++) {
      await Bun.sleep(3);
      expect((await reader.read()).done).toBe(false);
    }
    await reader.cancel();
  });

  test("exports: one network gets no more than half of a node's exports, so that others find a place", async () => {
    const { store } = endlessStore();
    const exports = createExports({ ...service.services, storeNamed: () => store });
    const accounts = await Promise.all(
      Array.from(
        { length: 24 },
        async () => (await service.services.database.users.byId((await service.signUp()).id))!,
      ),
    );
    const running: ReadableStream[] = [];
    const start = async (from: string) => {
      const account = accounts.pop()!;
      running.push(await exports.start(account, from, new AbortController().signal));
    };
    const refused = (from: string) =>
      expect(start(from)).rejects.toMatchObject({
        code: "TOO_MANY_REQUESTS",
        options: { headers: { "retry-after": "30" } },
      });
    // The networks of one IPv6 /48 count as one.
    for (let i = 0; i < 10; i++) await start(`2001:db8:1:${i}::1`);
    await refused("2001:db8:1:ffff::1");
    for (let i = 0; i < 10; i++) await start(`198.51.100.${i}`);
    await refused("203.0.113.9");
    await running[0]!.cancel();
    await refused("2001:db8:1::1");
    await start("203.0.113.9");
    for (const archive of running) await archive.cancel().catch(() => {});
  });

  test("exports: hundreds of cancelled downloads hold nothing up", async () => {
    const { store, state } = endlessStore();
    const paused = await exportFrom(store);
    await readChunks(paused, 40);
    for (let i = 0; i < 200; i++) {
      const reader = await exportFrom(store, undefined, i === 0);
      await readChunks(reader, i % 30);
      await reader.cancel();
    }
    expect(state.aborted).toBe(true);
    expect((await unzip(await (await ask((await service.signUp()).token)).bytes())).size).toBe(2);
    await paused.cancel();
  });

  test("exports: stop reading when the request is aborted", async () => {
    const { store, state } = endlessStore();
    const gone = new AbortController();
    const reader = await exportFrom(store, gone.signal);
    await readChunks(reader, 40);
    gone.abort(new Error("client gone"));
    await expect(readChunks(reader, 10)).rejects.toBeUndefined();
    expect(state.aborted).toBe(true);
  });

  test("exports: the connection is cut when the account is deleted during the download", async () => {
    let chunks = 0;
    const store = {
      read: async () => ({
        stream: new ReadableStream<Uint8Array>({
          async pull(controller) {
            if (chunks++ < 40) return controller.enqueue(new Uint8Array(65_536));
            await service.services.database.users.change("operator", user, { isActive: false });
            controller.close();
          },
        }),
        bytes: null,
      }),
    } as unknown as MediaStore;
    await share("snow.png");
    const account = (await service.services.database.users.byId(user.id))!;
    const exports = createExports({ ...service.services, storeNamed: () => store });
    await using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      development: false,
      fetch: async (request) => new Response(await exports.start(account, address, request.signal)),
    });
    await expect(fetch(server.url).then((answer) => answer.bytes())).rejects.toThrow();
    expect(chunks).toBe(41);
  });

  test("exports: stop reading when the client closes the connection", async () => {
    const { store, state } = endlessStore();
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const watched = {
      read: (key: string, signal: AbortSignal) => {
        signal.addEventListener("abort", () => resolve());
        return store.read(key, signal);
      },
    } as unknown as MediaStore;
    await share("snow.png");
    const account = (await service.services.database.users.byId(user.id))!;
    const exports = createExports({ ...service.services, storeNamed: () => watched });
    await using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) => new Response(await exports.start(account, address, request.signal)),
    });
    const client = new AbortController();
    const reader = (await fetch(server.url, { signal: client.signal })).body!.getReader();
    await readChunks(reader, 10);
    client.abort();
    await closed;
    expect(state.aborted).toBe(true);
  });

  test("exports: the stream fails when the store does, and the failure is logged", async () => {
    const failing = { read: () => Promise.reject(new Error("the store is down")) } as unknown as MediaStore;
    const reader = await exportFrom(failing);
    await expect(readChunks(reader, 100)).rejects.toBeUndefined();
    expect(service.logged.at(-1)).toContain("the store is down");
  });

  test.each([
    ["snow.jpg", "media/2026-01-31_snow_0199.jpg"],
    ["../../etc/passwd", "media/2026-01-31_.._._0199.jpg"],
    ['C:\\con<>:"|?*\0\n.png', "media/2026-01-31_C__con__________0199.jpg"],
    ["\u202egpj.exe", "media/2026-01-31__gpj_0199.jpg"],
    ["", "media/2026-01-31__0199.jpg"],
    [`${"😀".repeat(99)}.png`, `media/2026-01-31_${"😀".repeat(48)}_0199.jpg`],
  ])("exports: the file %j is called %s", (fileName, name) => {
    const createdAt = new Date("2026-01-31T12:00:00Z");
    expect(mediaName({ id: "0199", key: "0199.jpg", fileName, createdAt })).toBe(name);
  });

  test("exports: the name of a rendition begins as that of its original, and does not tell its version", () => {
    const id = "0199a7bc-5e6f-7765-ab26-378a7165c257";
    const post = { id, key: `${id}.mov`, fileName: "../snow.mov", createdAt: new Date(0) };
    const name = `1970-01-01_.._snow_${id}`;
    expect(mediaName(post)).toBe(`media/${name}.mov`);
    expect(renditionName(post, `/media/${id}.thumb.webp`)).toBe(`renditions/${name}.thumb.webp`);
    expect(renditionName(post, `https://cdn.example.com/a/${id}.v12.display.mp4`)).toBe(
      `renditions/${name}.display.mp4`,
    );
    for (const url of [null, `/media/${id}.mov`, `https://ik.imagekit.io/a/${id}.mov?tr=f-mp4`])
      expect(renditionName(post, url)).toBeNull();
  });

  test("exports: the longest name of a file has at most 255 bytes, so that every file system can unpack it", () => {
    const id = Bun.randomUUIDv7();
    const post = { id, key: `${id}.heic`, fileName: `${"😀".repeat(99)}.heic`, createdAt: new Date(0) };
    const names = [
      mediaName(post),
      ...["thumb.webp", "display.mp4"].map((end) => renditionName(post, `${id}.${end}`)!),
    ];
    for (const name of names) expect(Buffer.byteLength(basename(name))).toBeLessThanOrEqual(255);
  });
});
