import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";

import { jpegPhoto, mp4Video, pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

let service: TestService;
let token: string;
beforeAll(async () => {
  service = await TestService.start();
  token = (await service.signUp()).token;
});
afterAll(() => service.close());
afterEach(async () => {
  // Temp files are removed after the response.
  await until(async () => (await service.tempFiles()).length === 0);
});

type Part = readonly [name: string, content: Blob | string, fileName?: string];
const bytes = (content: Uint8Array) => new Blob([new Uint8Array(content)]);

async function upload(...parts: Part[]): Promise<{ status: number; body: Record<string, unknown> }> {
  const form = new FormData();
  for (const [name, content, fileName = "x.bin"] of parts)
    typeof content === "string" ? form.append(name, content) : form.append(name, content, fileName);
  const answer = await service.fetch("/upload", { method: "POST", body: form, token });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

const photo = bytes(await jpegPhoto());
const video: Part = ["file", bytes(mp4Video())];
const refused = (msg: string) => ({
  status: 422,
  body: { detail: [{ type: "value_error", loc: ["body", "thumbnail"], msg: `Value error, ${msg}` }] },
});

describe("upload with a thumbnail", () => {
  test.each([
    ["before", [["thumbnail", photo], video]],
    ["after", [video, ["thumbnail", photo]]],
  ] as [string, Part[]][])("shows it as the poster of a video if it comes %s the file", async (_, parts) => {
    const { status, body } = await upload(...parts);
    expect(status).toBe(200);
    expect(body).toMatchObject({ file_type: "video", placeholder: expect.any(String) });
    const poster = await service.fetch(new URL(String(body["thumbnail_url"])).pathname);
    expect(poster.headers.get("content-type")).toBe("image/webp");
    expect(await new Bun.Image(await poster.bytes()).metadata()).toMatchObject({ width: 32, height: 24 });
  });

  test("an image that can be decoded keeps its own thumbnail", async () => {
    const picture: Part = ["file", bytes(await pngPhoto(40, 40))];
    const alone = await upload(picture);
    const { body } = await upload(picture, ["thumbnail", photo]);
    expect(body["placeholder"]).toBe(alone.body["placeholder"]!);
  });

  test.each([
    ["text", ["thumbnail", "text"], "expected a file, not text"],
    ["an empty file", ["thumbnail", new Blob([])], "the file is empty"],
    ["a text file", ["thumbnail", new Blob(["no image"])], "the thumbnail is not an image"],
    ["a video", ["thumbnail", bytes(mp4Video())], "the thumbnail is not an image"],
    ["a truncated photo", ["thumbnail", photo.slice(0, 300)], "the thumbnail is damaged"],
    [
      "more than 10 MB",
      ["thumbnail", new Blob([photo, new Uint8Array(10 * 1024 ** 2)])],
      "the thumbnail has more than 10 MB",
    ],
  ] as [string, Part, string][])("answers 422 for %s as the thumbnail", async (_, part, msg) => {
    expect(await upload(video, part)).toEqual(refused(msg));
    expect(await upload(part, video)).toEqual(refused(msg));
  });

  test("an empty text, which Swagger UI sends for no choice, is no thumbnail", async () => {
    const { status, body } = await upload(["thumbnail", photo], video, ["thumbnail", ""]);
    expect([status, body["thumbnail_url"]]).toEqual([200, null]);
  });

  test("the last of several thumbnails counts", async () => {
    const { status } = await upload(video, ["thumbnail", "text"], ["thumbnail", photo]);
    expect(status).toBe(200);
  });

  test("an empty file without a name, which HTML forms send for no choice, is no thumbnail", async () => {
    const boundary = "XX";
    const form = new Blob([
      `--${boundary}\r\ncontent-disposition: form-data; name="thumbnail"; filename=""\r\n\r\n\r\n`,
      `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n`,
      bytes(mp4Video()),
      `\r\n--${boundary}--\r\n`,
    ]);
    const headers = { "content-type": `multipart/form-data; boundary=${boundary}` };
    const answer = await service.fetch("/upload", { method: "POST", body: form, token, headers });
    expect([answer.status, ((await answer.json()) as { thumbnail_url: null }).thumbnail_url]).toEqual([
      200,
      null,
    ]);
  });

  test("a thumbnail without a file is answered 422 for the file", async () => {
    const { body } = await upload(["thumbnail", photo]);
    expect(body).toMatchObject({ detail: [{ type: "missing", loc: ["body", "file"] }] });
  });
});
