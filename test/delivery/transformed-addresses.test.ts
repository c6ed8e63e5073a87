import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { startFakeS3, type FakeS3 } from "../support/fake-s3.ts";
import { mp4Video, pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

interface Shared {
  id: string;
  url: string;
  thumbnail_url: string;
}

/** What the front end of FastAPI Users' well-known course makes of a photo's and of a video's address. */
const uniform = "w-400,h-200,cm-pad_resize,bg-blurred";
const captioned = (caption: string) => {
  const encoded = encodeURIComponent(btoa(caption)).replaceAll("%2F", "/");
  return `l-text,ie-${encoded},ly-N20,lx-20,fs-100,co-white,bg-000000A0,l-end`;
};

let fake: FakeS3;
beforeAll(async () => (fake = await startFakeS3()));
afterAll(() => fake.close());

describe.each(["disk", "s3"])("addresses with a transformation, with the store %s", (store) => {
  let service: TestService;
  let photo: Shared;
  let video: Shared;
  let small: Shared;
  beforeAll(async () => {
    service = await TestService.start({
      MEDIA_STORE: store,
      S3_BUCKET: fake.bucket,
      S3_ENDPOINT: fake.url,
      S3_REGION: fake.region,
      S3_ACCESS_KEY_ID: fake.accessKeyId,
      S3_SECRET_ACCESS_KEY: fake.secretAccessKey,
    });
    const { token } = await service.signUp();
    const share = async (bytes: Uint8Array<ArrayBuffer>) =>
      (await (await service.upload(token, new Blob([bytes]))).json()) as Shared;
    photo = await share(await pngPhoto(1000, 800));
    video = await share(mp4Video());
    small = await share(await pngPhoto(40, 30));
  });
  afterAll(() => service.close());

  /** The key behind `/media/` that an address leads to. */
  async function served(path: string, method = "GET"): Promise<string> {
    const answer = await service.handler(new Request(`http://localhost${path}`, { method }));
    if (answer.status === 302) {
      const location = answer.headers.get("location") ?? "";
      expect((await fetch(location, { method })).status).toBe(200);
      return new URL(location).pathname.split("/").at(-1)!;
    }
    await answer.bytes();
    return answer.status === 200 ? JSON.parse(answer.headers.get("etag") ?? "") : String(answer.status);
  }
  const key = (url: string) => url.split("/").at(-1)!;
  /** As the front end does it. */
  const transformed = (url: string, transformation: string) => {
    const parts = new URL(url).pathname.split("/");
    return `/${parts[1]}/tr:${transformation}/${parts.slice(2).join("/")}`;
  };

  test("transformed address: a small size gets the thumbnail, every other size the file", async () => {
    for (const method of ["GET", "HEAD"]) {
      expect(await served(transformed(photo.url, uniform), method)).toBe(key(photo.thumbnail_url));
      for (const transformation of ["w-900", "w-400,h-2000", "rt-90", captioned("First snow")])
        expect(await served(transformed(photo.url, transformation), method)).toBe(key(photo.url));
    }
    expect(await served(transformed(small.url, uniform))).toBe(key(small.url));
    expect(await served(transformed(small.url, "w-20"))).toBe(key(small.thumbnail_url));
    expect(await served(transformed(photo.thumbnail_url, uniform))).toBe(key(photo.thumbnail_url));
  });

  test("transformed address: a video is never replaced by a thumbnail", async () => {
    expect(await served(transformed(video.url, uniform))).toBe(key(video.url));
  });

  test("transformed address: the text of an overlay may have slashes and be percent-encoded", async () => {
    const caption = "???>>>~~~???";
    expect(btoa(caption)).toContain("/");
    expect(await served(transformed(photo.url, captioned(caption)))).toBe(key(photo.url));
    const encoded = transformed(photo.url, uniform).replace("tr:", "tr%3A").replaceAll(",", "%2C");
    expect(await served(encoded)).toBe(key(photo.thumbnail_url));
  });

  test("transformed address: a malformed transformation or key is 404", async () => {
    const plain = key(photo.url);
    for (const path of [
      `/media/x/${plain}`,
      `/media/w-400/${plain}`,
      `/media/TR:w-400/${plain}`,
      `/media/x/tr:w-400/${plain}`,
      `/media//${plain}`,
      `/media/*`,
      `/media/*/`,
      `/media/%c3%28/${plain}`,
      `/media/tr:w-400/%c3%28`,
      `/media/tr:w-400/x/%c3%28`,
      `/media/%c3%28/a/${plain}`,
      `/media/tr:w-400/${plain}x`,
      `/media/tr:w-400/`,
      `/media/tr:w-400/..%2f${plain}`,
      `/media/tr:w-400/a/..%2f..%2f${plain}%00`,
      `/media/tr:w-400/${crypto.randomUUID()}.png`,
    ])
      expect([path, await served(path)]).toEqual([path, "404"]);
  });

  test("transformed address: is documented and counted under its route", async () => {
    const answer = await service.fetch(transformed(photo.url, uniform));
    expect(answer.status).toBe(store === "disk" ? 200 : 302);
    const lines = service.logged.filter((line) => line.includes('"/media/*"'));
    expect(lines.length).toBeGreaterThan(0);
    expect(service.logged.join()).not.toContain("w-400");
  });
});
