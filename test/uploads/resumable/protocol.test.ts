import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { jpegPhoto, pngPhoto } from "../../support/media-samples.ts";
import { frameOf, randomVideo } from "../../support/random-video.ts";
import { TestService } from "../../support/service.ts";
import { checksumOf, metadata, postIdIn, TusRequests } from "../../support/tus.ts";

const video = randomVideo(50_000);

let service: TestService;
let token: string;
let tus: TusRequests;
beforeAll(async () => {
  service = await TestService.start({ MAX_IMAGE_SIZE: "20000", MAX_VIDEO_SIZE: "200000" });
  ({ token } = await service.signUp());
  tus = new TusRequests(service, token);
});
afterAll(() => service.close());

const told = async (answer: Response) => [
  answer.status,
  ((await answer.json()) as { detail: unknown }).detail,
];
const uploadFiles = async () =>
  (await readdir(join(service.dataDir, "uploads"))).filter((name) => name !== "folder-id");

interface Post {
  caption: string;
  alt: string;
  file_name: string;
  file_type: string;
  url: string;
}
async function postOf(answer: Response): Promise<Post> {
  const read = await service.fetch(`/posts/${postIdIn(answer)}`, { token });
  expect(read.status).toBe(200);
  return (await read.json()) as Post;
}

describe("resumable uploads", () => {
  test("OPTIONS /uploads: tells version, extensions, limits and algorithms without a token", async () => {
    for (const path of ["/uploads", `/uploads/${crypto.randomUUID()}`]) {
      const { status, headers } = await service.fetch(path, { method: "OPTIONS" });
      expect([status, headers.get("tus-version"), headers.get("tus-max-size")]).toEqual([
        204,
        "1.0.0",
        "200000",
      ]);
      expect(headers.get("tus-extension")).toBe(
        "creation,creation-with-upload,expiration,checksum,termination",
      );
      expect(headers.get("tus-checksum-algorithm")).toBe("sha1,sha256");
      expect(headers.get("tus-resumable")).toBeNull();
    }
  });

  test("PATCH /uploads: several requests make one post with its texts, and the bytes of a plain upload", async () => {
    const texts = { filename: "Fähre.mp4", caption: "Erster Schnee ❄", alt: "Eine Bank", other: "kept" };
    const path = await tus.begin(video.length, texts);
    for (const [from, to] of [
      [0, 10],
      [10, 4_100],
      [4_100, 40_000],
    ] as const) {
      const answer = await tus.patch(path, from, video.slice(from, to));
      expect([answer.status, answer.headers.get("upload-offset")]).toEqual([204, String(to)]);
      expect(answer.headers.get("tus-resumable")).toBe("1.0.0");
      expect(Date.parse(answer.headers.get("upload-expires")!) - Date.now()).toBeWithin(
        86_390_000,
        86_410_000,
      );
      expect(answer.headers.get("content-location")).toBeNull();
      const { headers, status } = await tus.head(path);
      expect([status, headers.get("upload-offset"), headers.get("upload-length")]).toEqual([
        200,
        String(to),
        String(video.length),
      ]);
      expect(headers.get("upload-metadata")).toBe(metadata(texts));
      expect(headers.get("cache-control")).toBe("no-store");
    }
    const last = await tus.patch(path, 40_000, video.slice(40_000));
    expect([last.status, last.headers.get("upload-offset")]).toEqual([204, String(video.length)]);
    expect(last.headers.get("upload-expires")).toBeNull();
    const post = await postOf(last);
    expect(post).toMatchObject({
      file_name: "Fähre.mp4",
      caption: texts.caption,
      alt: texts.alt,
      file_type: "video",
    });

    const stored = await (await service.fetch(new URL(post.url).pathname)).bytes();
    const plain = (await (await service.upload(token, new Blob([video]))).json()) as Post;
    expect(stored).toEqual(await (await service.fetch(new URL(plain.url).pathname)).bytes());
    expect(frameOf(stored).equals(frameOf(video))).toBeTrue();

    const after = await tus.head(path);
    expect([after.headers.get("upload-offset"), postIdIn(after)]).toEqual([
      String(video.length),
      postIdIn(last),
    ]);
    expect([await uploadFiles(), await service.tempFiles()]).toEqual([[], []]);
  });

  test("POST /uploads: a body of the whole file publishes the post", async () => {
    const photo = await jpegPhoto();
    const answer = await tus.create(photo.length, { "upload-metadata": metadata({ filename: "a" }) }, photo);
    expect([answer.status, answer.headers.get("upload-offset")]).toEqual([201, String(photo.length)]);
    expect(await postOf(answer)).toMatchObject({ file_name: "a.jpg", caption: "", file_type: "image" });
    const path = new URL(answer.headers.get("location")!).pathname;
    expect(postIdIn(await tus.head(path))).toBe(postIdIn(answer));
  });

  test("POST /uploads: a body of the first bytes counts, and one that fails leaves no upload", async () => {
    const answer = await tus.create(video.length, {}, video.slice(0, 9_000));
    expect([answer.status, answer.headers.get("upload-offset")]).toEqual([201, "9000"]);
    const path = new URL(answer.headers.get("location")!).pathname;
    expect((await tus.patch(path, 9_000, video.slice(9_000))).status).toBe(204);
    const before = await service.services.database.resumableUploads.countUnfinished();
    const wrong = { "upload-checksum": checksumOf(video) };
    expect((await tus.create(video.length, wrong, video.slice(0, 10))).status).toBe(460);
    expect(await service.services.database.resumableUploads.countUnfinished()).toBe(before);
  });

  test("every request needs the version of the protocol", async () => {
    const path = await tus.begin(video.length);
    for (const [url, method] of [
      ["/uploads", "POST"],
      [path, "HEAD"],
      [path, "PATCH"],
      [path, "DELETE"],
    ] as const)
      for (const version of [undefined, "0.2.2", "1.0.0, 1.0.0"]) {
        const headers: Record<string, string> = version === undefined ? {} : { "tus-resumable": version };
        const answer = await service.fetch(url, { method, token, headers });
        expect([answer.status, answer.headers.get("tus-version")]).toEqual([412, "1.0.0"]);
        expect(answer.headers.get("tus-resumable")).toBe("1.0.0");
      }
    expect(await tus.offset(path)).toBe(0);
  });

  test("401 comes before everything else", async () => {
    const path = await tus.begin(video.length);
    for (const [url, method] of [
      ["/uploads", "POST"],
      [path, "HEAD"],
      [path, "PATCH"],
      [path, "DELETE"],
    ] as const) {
      const answer = await service.fetch(url, { method });
      expect([answer.status, answer.headers.get("tus-resumable")]).toEqual([401, "1.0.0"]);
    }
  });

  test("other users cannot see, continue or end an upload", async () => {
    const path = await tus.begin(video.length);
    await tus.patch(path, 0, video.slice(0, 10));
    const other = new TusRequests(service, (await service.signUp()).token);
    const answers = [await other.head(path), await other.patch(path, 10, "x"), await other.terminate(path)];
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(await tus.offset(path)).toBe(10);
    for (const id of ["x", crypto.randomUUID(), "%00"])
      expect((await tus.head(`/uploads/${id}`)).status).toBe(404);
  });

  test("PATCH /uploads: another offset is 409 and changes nothing", async () => {
    const path = await tus.begin(video.length);
    await tus.patch(path, 0, video.slice(0, 1000));
    for (const offset of [0, 999, 1001, video.length]) {
      const answer = await tus.patch(path, offset, video.slice(0, 10));
      expect(await told(answer)).toEqual([409, "Upload-Offset is not the offset of the upload"]);
    }
    expect(await tus.offset(path)).toBe(1000);
  });

  test("PATCH /uploads: bytes beyond the length are 413, and the upload goes on", async () => {
    const path = await tus.begin(video.length);
    const tooLong = Buffer.concat([video, Buffer.from("x")]);
    expect(await told(await tus.patch(path, 0, tooLong))).toEqual([
      413,
      "The body goes beyond Upload-Length",
    ]);
    const chunked = new ReadableStream({
      pull(controller) {
        controller.enqueue(tooLong);
        controller.close();
      },
    });
    expect((await tus.patch(path, await tus.offset(path), chunked)).status).toBe(413);
    const offset = await tus.offset(path);
    expect((await tus.patch(path, offset, video.slice(offset))).status).toBe(204);
  });

  test("PATCH /uploads: another content type is 415, and the upload goes on", async () => {
    const path = await tus.begin(video.length);
    for (const type of ["application/octet-stream", "text/plain", "multipart/form-data; boundary=B"])
      expect((await tus.patch(path, 0, video, { "content-type": type })).status).toBe(415);
    expect(await tus.offset(path)).toBe(0);
    const type = "Application/Offset+Octet-Stream; x=y";
    expect((await tus.patch(path, 0, video, { "content-type": type })).status).toBe(204);
  });

  test("PATCH /uploads: a body with another checksum is 460 and is discarded", async () => {
    const path = await tus.begin(video.length);
    const [first, second] = [video.slice(0, 20_000), video.slice(20_000)];
    await tus.patch(path, 0, first, { "upload-checksum": checksumOf(first) });
    const wrong = { "upload-checksum": checksumOf(first, "sha256") };
    expect(await told(await tus.patch(path, 20_000, second, wrong))).toEqual([
      460,
      "The body does not have this checksum",
    ]);
    expect(await tus.offset(path)).toBe(20_000);
    for (const header of [
      "crc32 AAAA",
      "sha1",
      "sha1 x",
      "sha1 AAAA",
      `sha256 ${checksumOf(second).slice(5)}`,
    ])
      expect((await tus.patch(path, 20_000, second, { "upload-checksum": header })).status).toBe(400);
    const right = { "upload-checksum": checksumOf(second, "sha256") };
    const last = await tus.patch(path, 20_000, second, right);
    const { url } = await postOf(last);
    const stored = await (await service.fetch(new URL(url).pathname)).bytes();
    expect(frameOf(stored).equals(frameOf(video))).toBeTrue();
  });

  test("DELETE /uploads: ends an upload, and leaves the post of a published one", async () => {
    const path = await tus.begin(video.length);
    await tus.patch(path, 0, video.slice(0, 10));
    expect((await tus.terminate(path)).status).toBe(204);
    expect([(await tus.head(path)).status, (await tus.terminate(path)).status]).toEqual([404, 404]);
    expect(await uploadFiles()).not.toContain(path.slice("/uploads/".length));
    const published = await tus.begin(video.length);
    const last = await tus.patch(published, 0, video);
    expect((await tus.terminate(published)).status).toBe(204);
    expect((await tus.head(published)).status).toBe(404);
    expect((await postOf(last)).file_type).toBe("video");
  });

  test("X-HTTP-Method-Override: replaces the method", async () => {
    const path = await tus.begin(video.length);
    const headers = { "tus-resumable": "1.0.0", "upload-offset": "0" };
    const patch = { "x-http-method-override": "PATCH", "content-type": "application/offset+octet-stream" };
    const sent = { method: "POST", token, body: video.slice(0, 100), headers: { ...headers, ...patch } };
    expect((await service.fetch(path, sent)).status).toBe(204);
    const overridden = (method: string) =>
      service.fetch(path, {
        method: "POST",
        token,
        headers: { ...headers, "x-http-method-override": method },
      });
    expect((await overridden("HEAD")).headers.get("upload-offset")).toBe("100");
    expect([(await overridden("PUT")).status, (await overridden("patch")).status]).toEqual([405, 405]);
    expect((await overridden("DELETE")).status).toBe(204);
    expect((await tus.head(path)).status).toBe(404);
    const elsewhere = { method: "GET", token, headers: { "x-http-method-override": "DELETE" } };
    expect((await service.fetch("/users/me", elsewhere)).status).toBe(200);
  });

  test("POST /uploads: bad headers are 422", async () => {
    const locations = async (answer: Response) => [
      answer.status,
      ((await answer.json()) as { detail: { loc: unknown }[] }).detail.map(({ loc }) => loc),
    ];
    for (const length of ["", "-1", "1.5", "1e3", "0x10", "x", "9".repeat(17), "0"])
      expect([length, ...(await locations(await tus.create(length)))]).toEqual([
        length,
        422,
        [["header", "upload-length"]],
      ]);
    const deferred = {
      method: "POST",
      token,
      headers: { "tus-resumable": "1.0.0", "upload-defer-length": "1" },
    };
    expect(await locations(await service.fetch("/uploads", deferred))).toEqual([
      422,
      [["header", "upload-length"]],
    ]);
    for (const bad of [
      "",
      "caption",
      "caption Zm9v,caption Zm9v",
      " ",
      ",",
      "caption Zm9v,",
      "caption !!",
      "a b c",
    ])
      if (bad !== "caption")
        expect([bad, ...(await locations(await tus.create(9, { "upload-metadata": bad })))]).toEqual([
          bad,
          422,
          [["header", "upload-metadata"]],
        ]);
    const long = metadata({ caption: "x".repeat(2201), alt: "x\0" });
    expect(await locations(await tus.create(9, { "upload-metadata": long }))).toEqual([
      422,
      [
        ["header", "upload-metadata", "caption"],
        ["header", "upload-metadata", "alt"],
      ],
    ]);
    const invalid = `caption ${Buffer.from([0xff]).toString("base64")}`;
    expect((await tus.create(9, { "upload-metadata": invalid })).status).toBe(422);
    const path = await tus.begin(9, { filename: "", caption: "" });
    for (const offset of ["-1", "x", ""])
      expect((await tus.patch(path, 0, "x", { "upload-offset": offset })).status).toBe(422);
  });

  test("an upload that no plain upload could be ends as soon as its first bytes tell", async () => {
    const tooLarge = "File too large: at most";
    expect(await told(await tus.create(200_001))).toEqual([413, `${tooLarge} 200000 bytes are accepted`]);
    const photo = Buffer.concat([await pngPhoto(64, 64), Buffer.alloc(10_000)]);
    const image = await tus.begin(50_000);
    expect(await told(await tus.patch(image, 0, photo.subarray(0, 5000)))).toEqual([
      413,
      `${tooLarge} 20000 bytes are accepted`,
    ]);
    const text = await tus.begin(50_000);
    await tus.patch(text, 0, "x".repeat(4000));
    expect((await tus.patch(text, 4000, "x".repeat(1000))).status).toBe(415);
    const damaged = await tus.begin(1000);
    const answer = await tus.patch(damaged, 0, video.slice(0, 1000));
    expect(answer.status).toBe(415);
    for (const path of [image, text, damaged]) expect((await tus.head(path)).status).toBe(404);
    expect(await uploadFiles()).not.toContain(image.slice("/uploads/".length));
  });

  test("Allow: lists the methods of an upload", async () => {
    const answer = await service.fetch("/uploads/x", { method: "PUT", token });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "DELETE, HEAD, OPTIONS, PATCH"]);
  });
});
