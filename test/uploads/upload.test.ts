import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";

import { element } from "../metadata/container-samples.ts";
import * as samples from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

let service: TestService;
let ada: Awaited<ReturnType<TestService["signUp"]>>;
beforeAll(async () => {
  service = await TestService.start({ MAX_IMAGE_SIZE: "100kb", MAX_VIDEO_SIZE: "200kb" });
  ada = await service.signUp();
});
afterAll(() => service.close());
afterEach(async () => {
  // The temp file is removed after the response.
  await until(async () => (await service.tempFiles()).length === 0);
});

const boundary = "XXsimpleXX";
const part = (headers: string, body: string) => `--${boundary}\r\n${headers}\r\n\r\n${body}\r\n`;
const filePart = (name = 'name="file"; filename="a.png"', body = "x") =>
  part(`Content-Disposition: form-data; ${name}`, body);

/** Sends the multipart body as it is. */
const sendRaw = (
  body: string | Uint8Array<ArrayBuffer>,
  contentType = `multipart/form-data; boundary=${boundary}`,
) =>
  service.fetch("/upload", {
    method: "POST",
    token: ada.token,
    body,
    headers: { "content-type": contentType },
  });

/** A valid body with these bytes as its file. */
const multipart = (bytes: Uint8Array, rest = "") =>
  new Uint8Array(
    Buffer.concat([
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n`),
      bytes,
      Buffer.from(`\r\n${rest}--${boundary}--\r\n`),
    ]),
  );

const problem = async (answer: Response) => {
  const { detail } = (await answer.json()) as { detail: { loc: unknown; type: string }[] };
  return [answer.status, detail[0]?.loc, detail[0]?.type];
};

describe("upload", () => {
  test.each([
    ["image/jpeg", "image", "jpg", samples.jpegPhoto],
    ["image/png", "image", "png", samples.pngPhoto],
    ["image/webp", "image", "webp", samples.webpPhoto],
    ["image/gif", "image", "gif", samples.gifPhoto],
    ["image/avif", "image", "avif", samples.avifPhoto],
    ["image/heic", "image", "heic", samples.heicPhoto],
    ["video/mp4", "video", "mp4", samples.mp4Video],
    ["video/quicktime", "video", "mov", samples.movVideo],
    ["video/webm", "video", "webm", samples.webmVideo],
    ["video/matroska", "video", "mkv", samples.mkvVideo],
    ["video/x-msvideo", "video", "avi", samples.aviVideo],
    ["video/3gpp", "video", "3gp", samples.threeGpVideo],
    ["video/mpeg", "video", "mpg", samples.mpegVideo],
  ] as const)(
    "of %s is told by its bytes, whatever name and type it came with",
    async (type, kind, extension, sample) => {
      const answer = await service.upload(
        ada.token,
        new Blob([await sample()], { type: "text/html" }),
        "hi",
        "evil.html",
      );
      expect(answer.status).toBe(200);
      const post = (await answer.json()) as { url: string };
      expect(post).toMatchObject({
        user_id: ada.id,
        caption: "hi",
        file_type: kind,
        file_name: `evil.html.${extension}`,
        content_type: type,
        is_owner: true,
      });
      const media = await service.fetch(new URL(post.url).pathname);
      expect(media.headers.get("content-type")).toBe(type);
      expect(media.headers.get("content-disposition")).toContain(`filename="evil.html.${extension}"`);
      expect(post.url).toEndWith(`.${extension}`);
    },
  );

  test.each([
    "",
    "[1]",
    '{"a":1}',
    "true",
    "null",
    "0x10",
    "  spaces  ",
    "línea\r\ntvå 🎉",
    "🎉".repeat(2200),
  ])("upload: keeps the caption %p unchanged", async (caption) => {
    const answer = await service.upload(ada.token, new Blob([await samples.pngPhoto()]), caption);
    expect(answer.status).toBe(200);
    expect(((await answer.json()) as { caption: string }).caption).toBe(caption);
  });

  test("upload: publishes a video whose header declares an impossible size without a size", async () => {
    const video = element(0xe0, element(0xb0, Buffer.alloc(8, 0x7f)), element(0xba, "\x30"));
    const entry = element(0xae, element(0xd7, "\x01"), element(0x83, "\x01"), video);
    const cluster = element(0x1f43b675, element(0xe7, "\0"), element(0xa3, "\x81\0\0\x80picture"));
    const segment = element(0x18538067, element(0x1654ae6b, entry), cluster);
    const webm = Buffer.concat([element(0x1a45dfa3, element(0x4282, "webm")), segment]);
    const response = await service.upload(ada.token, new Blob([new Uint8Array(webm)]), "", "video.webm");
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ content_type: "video/webm", width: null, height: null });
  });

  test("upload: stores an empty caption if there is none", async () => {
    const answer = await service.upload(ada.token, new Blob([await samples.pngPhoto()]));
    expect(((await answer.json()) as { caption: string }).caption).toBe("");
  });

  test("upload: rejects a caption that is too long, has a NUL or is a file with 422", async () => {
    const png = await samples.pngPhoto();
    for (const caption of ["x".repeat(2201), "🎉".repeat(2201), "a\0b", "x".repeat(100_000)]) {
      const answer = await service.upload(ada.token, new Blob([png]), caption);
      expect((await problem(answer)).slice(0, 2)).toEqual([422, ["body", "caption"]]);
    }
    const asFile = part('Content-Disposition: form-data; name="caption"; filename="c.txt"', "one");
    expect(await problem(await sendRaw(multipart(png, asFile)))).toEqual([
      422,
      ["body", "caption"],
      "string_type",
    ]);
  });

  test("upload: rejects other formats with 415 even if they are declared as an image", async () => {
    for (const content of [
      "hello",
      "<svg xmlns='http://www.w3.org/2000/svg'/>",
      "<html></html>",
      "\x89PNG\r\n\x1a\n",
    ]) {
      const answer = await service.upload(ada.token, new Blob([content], { type: "image/png" }), "", "x.png");
      expect(answer.status).toBe(415);
      expect(await answer.json()).toEqual({ detail: expect.any(String) });
    }
    expect(await service.mediaFiles()).not.toContain(expect.stringMatching(/html|svg/));
  });

  test("upload: a 415 names a known unsupported format and what to do", async () => {
    const detailOf = async (content: BlobPart) => {
      const answer = await service.upload(ada.token, new Blob([content]), "", "x");
      expect(answer.status).toBe(415);
      return ((await answer.json()) as { detail: string }).detail;
    };
    expect(await detailOf("%PDF-1.7\n")).toBe("PDF cannot be shared; only images and videos can");
    const withoutIndex = Buffer.from("\0\0\0\x14ftypisom\0\0\0\0isom\0\0\0\x10mdatpictures");
    expect(await detailOf(withoutIndex)).toStartWith("The recording was not finished");
  });

  test("upload: rejects a file over the limit of its kind with 413", async () => {
    const padded = async (sample: Uint8Array, size: number) =>
      Buffer.concat([sample, new Uint8Array(size - sample.length)]);
    const image = await padded(await samples.pngPhoto(), 100 * 1024 + 1);
    const video = await padded(samples.mp4Video(), 150 * 1024);
    const tooLong = await padded(samples.mp4Video(), 200 * 1024 + 1);
    expect((await service.upload(ada.token, new Blob([image]))).status).toBe(413);
    expect((await service.upload(ada.token, new Blob([video]))).status).toBe(200);
    const answer = await service.upload(ada.token, new Blob([tooLong]));
    expect([answer.status, await answer.json()]).toEqual([
      413,
      { detail: "File too large: at most 204800 bytes are accepted" },
    ]);
  });

  test("upload: rejects a too large Content-Length without reading the body", async () => {
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const answer = await service.fetch("/upload", {
      method: "POST",
      token: ada.token,
      body: endless,
      headers: {
        "content-type": `multipart/form-data; boundary=${boundary}`,
        "content-length": "99999999999",
      },
    });
    expect(answer.status).toBe(413);
    expect(pulled).toBeLessThan(3);
  });

  test.each<[string, number, () => Uint8Array]>([
    ["file", 40, () => multipart(samples.mp4Video()).slice(0, 1000)],
    ["part that is ignored", 400, () => Buffer.from(`--${boundary}\r\nContent-Type: a/b\r\n\r\n`)],
  ])(
    "upload: stops reading an endless %s without a Content-Length at the limit",
    async (_what, pieces, head) => {
      let sent = 0;
      const endless = new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(sent++ === 0 ? head() : new Uint8Array(16_384));
        },
      });
      const answer = await service.fetch("/upload", {
        method: "POST",
        token: ada.token,
        body: endless,
        headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
      });
      expect(answer.status).toBe(413);
      expect(sent).toBeLessThan(pieces);
    },
  );

  test("upload: rejects a missing, textual or empty file with 422", async () => {
    const file = ["body", "file"];
    const nothing = await service.fetch("/upload", { method: "POST", token: ada.token });
    expect(await problem(nothing)).toEqual([422, file, "missing"]);
    expect(await problem(await sendRaw("{}", "application/json"))).toEqual([422, file, "missing"]);
    expect(await problem(await sendRaw("file=x", "application/x-www-form-urlencoded"))).toEqual([
      422,
      file,
      "missing",
    ]);
    expect(await problem(await sendRaw(`--${boundary}--\r\n`))).toEqual([422, file, "missing"]);
    const text = part('Content-Disposition: form-data; name="file"', "text");
    expect(await problem(await sendRaw(`${text}--${boundary}--\r\n`))).toEqual([422, file, "value_error"]);
    const empty = filePart(undefined, "");
    expect(await problem(await sendRaw(`${empty}--${boundary}--\r\n`))).toEqual([422, file, "value_error"]);
  });

  describe("upload: repeated fields", () => {
    const file = (name: string, bytes: Uint8Array | string) =>
      Buffer.concat([
        Buffer.from(
          `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n`,
        ),
        Buffer.from(bytes),
        Buffer.from("\r\n"),
      ]);
    const text = (name: string, value: string) =>
      Buffer.from(part(`Content-Disposition: form-data; name="${name}"`, value));
    const sendParts = (...parts: Uint8Array[]) =>
      sendRaw(new Uint8Array(Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)])));

    test("upload: the last of several captions counts", async () => {
      const asFile = Buffer.from(
        part('Content-Disposition: form-data; name="caption"; filename="c.txt"', "none"),
      );
      const png = file("a.png", await samples.pngPhoto());
      const answer = await sendParts(
        text("caption", "one"),
        text("caption", "x".repeat(100_000)),
        asFile,
        png,
        text("caption", "last"),
      );
      expect([answer.status, await answer.json()]).toMatchObject([200, { caption: "last" }]);
      const refused = await sendParts(png, text("caption", "one"), asFile);
      expect(await problem(refused)).toEqual([422, ["body", "caption"], "string_type"]);
    });

    test("upload: the last of several files counts, with its own name, type, size and hash", async () => {
      const [png, gif] = [await samples.pngPhoto(30, 20), await samples.gifPhoto()];
      const alone = (await (await sendParts(file("b.gif", gif))).json()) as Record<string, unknown>;
      const before = (await service.mediaFiles()).length;
      for (const earlier of [
        file("a.png", png),
        file("a.txt", "no image"),
        file("a.txt", "no image, and longer than what is looked at".repeat(1000)),
        file("empty.png", ""),
        file("a.mp4", samples.mp4Video()),
        Buffer.concat(Array.from({ length: 8 }, () => file("a.png", png))),
      ]) {
        const answer = await sendParts(earlier, file("b.gif", gif));
        const post = (await answer.json()) as Record<string, unknown>;
        expect([answer.status, post]).toEqual([
          200,
          {
            ...alone,
            id: post["id"],
            url: post["url"],
            display_url: post["display_url"],
            thumbnail_url: post["thumbnail_url"],
            created_at: post["created_at"],
          },
        ]);
        expect(post["url"]).toEndWith(".gif");
      }
      // Each post has a file and a thumbnail.
      expect(await service.mediaFiles()).toHaveLength(before + 2 * 6);
      expect(await service.tempFiles()).toBeEmpty();
    });

    test("upload: ignores a text part named file before the file, and rejects one after it", async () => {
      const png = file("a.png", await samples.pngPhoto());
      const metadata = text("file", '{"name":"a.png"}');
      expect((await sendParts(metadata, png)).status).toBe(200);
      expect((await sendParts(metadata, metadata, png)).status).toBe(200);
      expect(await problem(await sendParts(png, metadata))).toEqual([422, ["body", "file"], "value_error"]);
    });

    test("upload: rejects an earlier file that is too large or unsupported before it reads the last one", async () => {
      const last = file("a.png", await samples.pngPhoto());
      for (const [earlier, status] of [
        [Buffer.concat([samples.mp4Video(), new Uint8Array(300 * 1024)]), 413],
        [Buffer.from("no image".repeat(50_000)), 415],
      ] as const) {
        const bytes = Buffer.concat([file("a", earlier), last]);
        const pieces = Array.from({ length: Math.ceil(bytes.length / 16_384) }, (_, i) =>
          Uint8Array.from(bytes.subarray(i * 16_384, (i + 1) * 16_384)),
        );
        const body = new ReadableStream<Uint8Array>({
          pull(controller) {
            const piece = pieces.shift();
            if (piece) controller.enqueue(piece);
            else controller.close();
          },
        });
        const headers = { "content-type": `multipart/form-data; boundary=${boundary}` };
        const answer = await service.fetch("/upload", { method: "POST", token: ada.token, body, headers });
        expect([answer.status, pieces.length > 0]).toEqual([status, true]);
      }
      const tooLarge = Buffer.concat([samples.mp4Video(), new Uint8Array(201 * 1024)]);
      expect((await sendParts(file("a.mp4", tooLarge), last)).status).toBe(413);
    });
  });

  test("upload: ignores unknown fields", async () => {
    const extra =
      part('Content-Disposition: form-data; name="other"', "x") + filePart('name="another"; filename="z"');
    expect((await sendRaw(multipart(await samples.pngPhoto(), extra))).status).toBe(200);
  });

  test("upload: ignores large parts without a form field name", async () => {
    for (const headers of ["Content-Type: text/plain", "Content-Disposition: attachment"]) {
      const extra = part(headers, "x".repeat(200_000));
      expect((await sendRaw(multipart(await samples.pngPhoto(), extra))).status).toBe(200);
    }
  });

  test("upload: a truncated body or one without a boundary is a client error and leaves no files", async () => {
    const before = (await service.mediaFiles()).length;
    const whole = multipart(
      await samples.pngPhoto(),
      part('Content-Disposition: form-data; name="caption"', "hi"),
    );
    const enough = whole.length - `--\r\n`.length;
    for (let length = 0; length < enough; length += length < 100 || length > enough - 100 ? 1 : 37) {
      const answer = await sendRaw(whole.slice(0, length));
      expect([length, answer.status]).toEqual([length, 400]);
    }
    for (const type of [
      "multipart/form-data",
      "multipart/form-data; boundary=",
      "multipart/form-data; boundary=other",
    ])
      expect((await sendRaw(whole, type)).status).toBe(400);
    expect(await service.mediaFiles()).toHaveLength(before);
  });

  test("upload: rejects a request without a token with 401 before reading the body", async () => {
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const headers = { "content-type": `multipart/form-data; boundary=${boundary}` };
    const answer = await service.fetch("/upload", { method: "POST", body, headers });
    expect(answer.status).toBe(401);
    expect(pulled).toBeLessThan(3);
  });

  test.each([
    ["../../etc/passwd.png", "passwd.png"],
    ["C:\\photos\\me.png", "me.png"],
    ["\u202egnp.exe", "gnp.exe.png"],
    ["photo.PNG", "photo.PNG"],
    ["  ", "upload.png"],
    ["..", "upload.png"],
    ["naïve café 🎉.png", "naïve café 🎉.png"],
    [`${"å".repeat(200)}.png`, `${"å".repeat(125)}.png`],
  ])("upload: shows the file name %p as %p", async (given, shown) => {
    const answer = await service.upload(ada.token, new Blob([await samples.pngPhoto()]), "", given);
    expect(((await answer.json()) as { file_name: string }).file_name).toBe(shown);
  });
});

describe("idempotency key", () => {
  const upload = (key: string, bytes: Uint8Array<ArrayBuffer>, token = ada.token) =>
    service.upload(token, new Blob([bytes]), undefined, "a.png", { "idempotency-key": key });

  test("idempotency key: a repeated upload gets the first post", async () => {
    const png = await samples.pngPhoto(40, 40);
    const first = await (await upload("key-1", png)).json();
    const stored = await service.mediaFiles();
    expect(await (await upload("key-1", png)).json()).toEqual(first);
    expect(await service.mediaFiles()).toHaveLength(stored.length);
  });

  test("idempotency key: concurrent uploads make one post", async () => {
    const png = await samples.pngPhoto(41, 40);
    const answers = await Promise.all(Array.from({ length: 6 }, () => upload("key-2", png)));
    const ids = new Set<string>();
    for (const answer of answers)
      if (answer.status === 200) ids.add(((await answer.json()) as { id: string }).id);
      else expect([answer.status, answer.headers.get("retry-after")]).toEqual([409, "1"]);
    expect(ids.size).toBe(1);
  });

  test("idempotency key: is rejected with other bytes, belongs to its user, and is free after the post is deleted", async () => {
    const [png, other] = [await samples.pngPhoto(42, 40), await samples.pngPhoto(43, 40)];
    const { id } = (await (await upload("key-3", png)).json()) as { id: string };
    expect(await problem(await upload("key-3", other))).toEqual([
      422,
      ["header", "idempotency-key"],
      "value_error",
    ]);
    const bob = await service.signUp();
    expect((await upload("key-3", other, bob.token)).status).toBe(200);
    await service.fetch(`/posts/${id}`, { method: "DELETE", token: ada.token });
    expect((await upload("key-3", other)).status).toBe(200);
  });

  test("idempotency key: rejects the same file with another caption, and returns the first post for the same caption", async () => {
    const png = new Blob([await samples.pngPhoto(44, 40)]);
    const send = (caption?: string) =>
      service.upload(ada.token, png, caption, "a.png", { "idempotency-key": "key-4" });
    const first = await (await send("first")).json();
    const stored = await service.mediaFiles();
    for (const caption of ["corrected", "First", "first ", "", undefined]) {
      const refused = await send(caption);
      const msg = "Value error, this key was used for another caption";
      const detail = [{ type: "value_error", loc: ["header", "idempotency-key"], msg }];
      expect([refused.status, await refused.json()]).toEqual([422, { detail }]);
    }
    expect(await (await send("first")).json()).toEqual(first);
    expect(await service.mediaFiles()).toHaveLength(stored.length);
    // No caption and an empty caption are equal.
    const bare = (caption?: string) =>
      service.upload(ada.token, png, caption, "a.png", { "idempotency-key": "key-5" });
    expect(await (await bare("")).json()).toEqual(await (await bare()).json());
  });

  test("idempotency key: rejects an invalid key with 422", async () => {
    for (const key of ["two words", "x".repeat(256)])
      expect((await upload(key, await samples.pngPhoto())).status).toBe(422);
  });
});

test("HEAD: the Content-Length of stored media is that of the GET", async () => {
  const { token } = await service.signUp();
  const upload = await service.upload(token, new Blob([await samples.pngPhoto()]));
  const path = new URL(((await upload.json()) as { url: string }).url).pathname;
  const [get, head] = [await service.fetch(path), await service.fetch(path, { method: "HEAD" })];
  expect(head.headers.get("content-length")).toBe(String((await get.bytes()).length));
  expect(head.headers.get("etag")).toBe(get.headers.get("etag"));
  expect(await head.text()).toBe("");
});
