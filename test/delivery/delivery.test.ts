import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorResponse } from "../../src/http/error-response.ts";
import { deliver } from "../../src/delivery/delivery.ts";
import { RecentFiles } from "../../src/delivery/recent-files.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

const small = new Uint8Array(20_000).map((_, index) => index % 251);
const large = new Uint8Array(3_000_000).map((_, index) => index % 241);
/** Display names, and what they are sent as. */
const names = [
  ["plain.png", "plain.png"],
  ['a"b\\c;.png', 'a"b\\c;.png'],
  ["föö 猫 \u{1f408}.png", "föö 猫 \u{1f408}.png"],
  ["100%'(x)*.png", "100%'(x)*.png"],
  ["\r\nX-Evil: 1", "\r\nX-Evil: 1.png"],
  ["\ud800.png", "\ufffd.png"],
  ["evil.html", "evil.html.png"],
  ["photo.exe. ", "photo.exe.png"],
  ["", "upload.png"],
] as const;

const createdAt = new Date("2024-11-25T09:28:35.678Z");
const published = "Mon, 25 Nov 2024 09:28:35 GMT";
const dates = {
  before: "Mon, 25 Nov 2024 09:28:34 GMT",
  after: "Mon, 25 Nov 2024 09:28:36 GMT",
};

const recent = new RecentFiles();

describe("delivery of a stored file", () => {
  let folder: string;
  let server: Bun.Server<undefined>;
  let displayName: string | null = null;
  const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
    fetch(new URL(path, server.url), { method, headers });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "delivery-"));
    await Bun.write(join(folder, "small.png"), small);
    await Bun.write(join(folder, "large.png"), large);
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      development: false,
      error: errorResponse,
      fetch(request) {
        const key = request.url.slice(request.url.lastIndexOf("/") + 1);
        const path = join(folder, key);
        const media = { key, path, contentType: "image/png", fileName: displayName, createdAt };
        return deliver(request, media, recent);
      },
    });
  });
  afterAll(async () => {
    await server.stop(true);
    await rm(folder, { recursive: true });
  });

  test.each([
    ["small.png", small],
    ["large.png", large],
  ])("%s comes whole, typed by us and harmless in a browser", async (key, bytes) => {
    const response = await ask(key);
    expect(response.status).toBe(200);
    expect(await response.bytes()).toEqual(bytes);
    const { headers } = response;
    expect(headers.get("content-type")).toBe("image/png");
    expect(headers.get("content-length")).toBe(String(bytes.length));
    expect(headers.get("etag")).toBe(`"${key}"`);
    expect(headers.get("last-modified")).toBe(published);
    expect(headers.get("cache-control")).toBe("public, max-age=31536000, s-maxage=300, immutable");
    expect(headers.get("accept-ranges")).toBe("bytes");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("cross-origin-resource-policy")).toBe("cross-origin");
    const policy = headers.get("content-security-policy");
    expect(policy).toBe("sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'");
  });

  test("delivery: a video opened in a tab may play, but run no script", () => {
    const media = {
      key: "small.png",
      path: join(folder, "small.png"),
      contentType: "video/mp4",
      fileName: null,
      createdAt,
    };
    const { headers } = deliver(new Request("http://localhost/"), media, recent);
    expect(headers.get("content-type")).toBe("video/mp4");
    const policy = headers.get("content-security-policy");
    expect(policy).toStartWith("sandbox allow-same-origin; default-src 'none'; media-src 'self';");
    expect(policy).not.toContain("allow-scripts");
    expect(policy).not.toContain("script-src");
  });

  test("content-disposition: a key stays as it is, and so does a name whose type is unknown", () => {
    const path = join(folder, "small.png");
    const sent = (media: { contentType: string; fileName: string | null }) =>
      deliver(
        new Request("http://localhost/"),
        { key: "small.png", path, createdAt, ...media },
        recent,
      ).headers.get("content-disposition");
    expect(sent({ contentType: "image/webp", fileName: null })).toContain('filename="small.png"');
    expect(sent({ contentType: "constructor", fileName: "a.txt" })).toContain('filename="a.txt"');
  });

  test.each(["small.png", "large.png"])(
    "delivery: HEAD of %s has the headers of GET and no body",
    async (key) => {
      const head = await ask(key, { range: "bytes=0-1" }, "HEAD");
      const get = await ask(key);
      expect(head.status).toBe(200);
      expect(await head.text()).toBe("");
      for (const headers of [head.headers, get.headers]) headers.delete("date");
      expect(head.headers.toJSON()).toEqual(get.headers.toJSON());
      await get.bytes();
    },
  );

  test.each([
    ["bytes=0-0", 0, 0],
    ["bytes=10-19", 10, 19],
    ["bytes=19990-", 19_990, 19_999],
    ["bytes=0-999999999999999999999", 0, 19_999],
    ["bytes=-5", 19_995, 19_999],
    ["bytes=-99999", 0, 19_999],
    ["Bytes=10-19", 10, 19],
  ])("%s gets that range", async (range, first, last) => {
    const response = await ask("small.png", { range });
    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe(`bytes ${first}-${last}/20000`);
    expect(response.headers.get("content-length")).toBe(String(last - first + 1));
    expect(response.headers.get("accept-ranges")).toBe("bytes");
    expect(response.headers.get("cache-control")).toContain("s-maxage=300");
    expect(await response.bytes()).toEqual(small.slice(first, last + 1));
  });

  test("delivery: concurrent responses each hold their own bytes", async () => {
    const answer = (range: string) => {
      const request = new Request("http://localhost/", { headers: { range } });
      const path = join(folder, "large.png");
      const media = { key: "large.png", path, contentType: "image/png", fileName: null, createdAt };
      return deliver(request, media, recent);
    };
    const [first, second] = [answer("bytes=0-999"), answer("bytes=1000-1999")];
    expect(await first.bytes()).toEqual(large.slice(0, 1000));
    expect(await second.bytes()).toEqual(large.slice(1000, 2000));
  });

  test("delivery: a range from the middle of a large file is exactly that part", async () => {
    const response = await ask("large.png", { range: "bytes=1000000-2999999" });
    expect(await response.bytes()).toEqual(large.slice(1_000_000));
  });

  test.each(["bytes=20000-", "bytes=99999-100000", "bytes=-0"])(
    "delivery: the range %s gets 416 with the size",
    async (range) => {
      const response = await ask("small.png", { range });
      expect(response.status).toBe(416);
      expect(response.headers.get("content-range")).toBe("bytes */20000");
      expect(response.headers.get("cache-control")).toBeNull();
      expect(await response.text()).toBe("");
    },
  );

  test.each(["bytes=0-1,5-6", "chars=0-1", "bytes=5-2", "bytes=-", "bytes=a-b", "bytes"])(
    "delivery: the range %s is ignored, and the whole file is sent",
    async (range) => {
      const response = await ask("large.png", { range });
      expect(response.status).toBe(200);
      expect(response.headers.get("content-range")).toBeNull();
      expect(await response.bytes()).toEqual(large);
    },
  );

  test("delivery: If-Range applies the range only to the same file", async () => {
    const range = "bytes=1-2";
    expect((await ask("large.png", { range, "if-range": '"large.png"' })).status).toBe(206);
    expect((await ask("large.png", { range, "if-range": published })).status).toBe(206);
    for (const other of ['"other.png"', 'W/"large.png"', dates.before, dates.after, "yesterday"]) {
      const response = await ask("large.png", { range, "if-range": other });
      expect(response.status).toBe(200);
      expect(await response.bytes()).toEqual(large);
    }
  });

  test.each(['"small.png"', 'W/"small.png"', '"x", "small.png"', "*"])(
    "delivery: If-None-Match %s gets 304",
    async (tag) => {
      const response = await ask("small.png", { "if-none-match": tag, range: "bytes=0-1" });
      expect(response.status).toBe(304);
      expect(response.headers.get("etag")).toBe('"small.png"');
      expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, s-maxage=300, immutable");
      expect(await response.text()).toBe("");
    },
  );

  test.each([
    [published, 304],
    [dates.after, 304],
    ["Monday, 25-Nov-24 09:28:35 GMT", 304],
    ["Mon Nov 25 09:28:35 2024", 304],
    [dates.before, 200],
    ["2024-11-25T09:28:35Z", 200],
    ["Mon, 25 Nov 2024 09:28:35 +0000", 200],
    ["", 200],
  ])("delivery: If-Modified-Since %p gets %d", async (since, status) => {
    for (const method of ["GET", "HEAD"]) {
      const response = await ask("small.png", { "if-modified-since": since }, method);
      expect([method, response.status]).toEqual([method, status]);
      await response.bytes();
    }
  });

  test("delivery: If-Modified-Since is ignored beside If-None-Match", async () => {
    for (const [tag, since, status] of [
      ['"other.png"', published, 200],
      ['"small.png"', dates.before, 304],
    ] as const) {
      const response = await ask("small.png", { "if-none-match": tag, "if-modified-since": since });
      expect([tag, response.status]).toEqual([tag, status]);
      await response.bytes();
    }
  });

  test.each([
    ['"small.png"', 200],
    ['"x", "small.png"', 200],
    ["*", 200],
    ['"other.png"', 412],
    ['W/"small.png"', 412],
    ["small.png", 412],
    ["", 412],
  ])("delivery: If-Match %p gets %d", async (tags, status) => {
    for (const method of ["GET", "HEAD"]) {
      const response = await ask("small.png", { "if-match": tags }, method);
      expect([method, response.status]).toEqual([method, status]);
      const body = await response.text();
      if (status === 412) {
        expect(body).toBe(method === "GET" ? '{"detail":"Precondition Failed"}' : "");
        expect(response.headers.get("cache-control")).toBe("no-store");
      }
    }
  });

  test.each([
    [published, 200],
    [dates.after, 200],
    [dates.before, 412],
    ["Monday, 25-Nov-24 09:28:34 GMT", 412],
    ["yesterday", 200],
  ])("delivery: If-Unmodified-Since %p gets %d", async (since, status) => {
    const response = await ask("small.png", { "if-unmodified-since": since });
    expect(response.status).toBe(status);
    await response.bytes();
  });

  test("delivery: conditions are evaluated in the order of RFC 9110, 13.2.2", async () => {
    const ours = '"small.png"';
    const others = '"other.png"';
    for (const [headers, status] of [
      [{ "if-match": ours, "if-unmodified-since": dates.before }, 200],
      [{ "if-match": others, "if-unmodified-since": dates.after }, 412],
      [{ "if-match": others, "if-none-match": ours }, 412],
      [{ "if-unmodified-since": dates.before, "if-modified-since": dates.after }, 412],
      [{ "if-match": ours, "if-none-match": ours }, 304],
      [{ "if-match": ours, range: "bytes=0-1" }, 206],
      [{ "if-match": others, range: "bytes=0-1" }, 412],
      [{ "if-match": others, range: "bytes=20000-" }, 412],
      [{ "if-match": ours, range: "bytes=20000-" }, 416],
      [{ "if-match": ours, range: "bytes=0-1", "if-range": others }, 200],
    ] as const) {
      const response = await ask("small.png", headers);
      expect([headers, response.status]).toEqual([headers, status]);
      await response.bytes();
    }
  });

  test("delivery: Last-Modified of a post that a fast clock published in the future is now", () => {
    const media = {
      key: "small.png",
      path: join(folder, "small.png"),
      contentType: "image/png",
      fileName: null,
      createdAt: new Date(Date.now() + 3_600_000),
    };
    const { headers } = deliver(new Request("http://localhost/"), media, recent);
    const dated = Date.parse(headers.get("last-modified") ?? "");
    expect(dated).toBeLessThanOrEqual(Date.now());
    expect(dated).toBeGreaterThan(Date.now() - 5000);
  });

  test("delivery: If-None-Match of another file gets the file", async () => {
    const response = await ask("small.png", { "if-none-match": '"small", "mall.png"' });
    expect(response.status).toBe(200);
    expect(await response.bytes()).toEqual(small);
  });

  test.each(["GET", "HEAD"])(
    "delivery: %s of a missing file is a 404 of the API, without the path",
    async (method) => {
      const response = await ask("missing.png", {}, method);
      expect(response.status).toBe(404);
      expect(response.headers.get("cache-control")).toBe("no-store");
      const body = await response.text();
      expect(body).toBe(method === "GET" ? '{"detail":"Not Found"}' : "");
    },
  );

  test("delivery: a large file that vanished after its size was cached is a 404", async () => {
    await Bun.write(join(folder, "brief.png"), large);
    expect((await ask("brief.png")).status).toBe(200);
    await rm(join(folder, "brief.png"));
    for (const headers of [{}, { range: "bytes=5-9" }, { range: "bytes=100000-2000000" }])
      expect((await ask("brief.png", headers)).status).toBe(404);
  });

  test.each(names)("delivery: the display name %j becomes the safe header %j", async (name, sent) => {
    displayName = name;
    const response = await ask("small.png");
    displayName = null;
    await response.bytes();
    const header = response.headers.get("content-disposition") ?? "";
    const [, ascii, encoded] = /^inline; filename="([^"\\]*)"; filename\*=UTF-8''(\S*)$/.exec(header) ?? [];
    expect(ascii).toMatch(/^[\x20-\x7e]*$/);
    expect(encoded).toMatch(/^[\w.!#$&+^`|~%-]*$/);
    expect(decodeURIComponent(encoded ?? "")).toBe(sent);
    expect(response.headers.get("x-evil")).toBeNull();
  });
});

test("delivery: a 412 is as documented and readable by pages of other origins", async () => {
  const service = await TestService.start({ CORS_ORIGINS: "https://a.example" });
  try {
    const { token } = await service.signUp();
    const uploaded = await service.upload(token, new Blob([await pngPhoto()]));
    const { url } = (await uploaded.json()) as { url: string };
    const { pathname } = new URL(url);
    const key = pathname.slice(pathname.lastIndexOf("/") + 1);
    const ask = (path: string, headers: Record<string, string>) =>
      service.fetch(path, { headers: { origin: "https://a.example", ...headers } });
    for (const path of [pathname, `/media/tr:w-8000/${key}`]) {
      const failed = await ask(path, { "if-match": '"other.png"' });
      expect([path, failed.status, await failed.json()]).toEqual([
        path,
        412,
        { detail: "Precondition Failed" },
      ]);
      expect(failed.headers.get("access-control-allow-origin")).toBe("https://a.example");
      expect((await ask(path, { "if-match": `"${key}"` })).status).toBe(200);
    }
    // Conditions apply to what would be served otherwise (RFC 9110, 13.2.1).
    expect((await ask("/media/none.png", { "if-match": '"other.png"' })).status).toBe(404);
  } finally {
    await service.close();
  }
});
