import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";

import { createRenditionRunner, type RenditionRunner } from "../../src/rendition-jobs/runner.ts";
import * as samples from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { programs } from "../renditions/ffmpeg/video-folder.ts";

setDefaultTimeout(60_000);

interface Shared {
  id: string;
  url: string;
  thumbnail_url: string | null;
  display_url: string;
  placeholder: string | null;
  duration_seconds: number | null;
  processing: boolean;
}

let service: TestService;
let token: string;
let runner: RenditionRunner;
beforeAll(async () => {
  service = await TestService.start();
  ({ token } = await service.signUp());
  runner = createRenditionRunner(service.services, { pollMs: 20, renewalMs: 1000, retryMs: 1 });
  runner.start();
});
afterAll(async () => {
  await runner.stop();
  await service.close();
});

const share = async (bytes: Uint8Array<ArrayBuffer>) =>
  (await (await service.upload(token, new Blob([bytes]), "", "video")).json()) as Shared;
const read = async (id: string) => (await (await service.fetch(`/posts/${id}`, { token })).json()) as Shared;
const filesOf = async (id: string) =>
  (await service.mediaFiles())
    .filter((name) => name.startsWith(id))
    .map((name) => name.slice(37))
    .sort();
const look = (url: string | null) => service.fetch(new URL(url ?? "").pathname);

/** The post when its renditions have been made. */
async function made({ id }: Shared): Promise<Shared> {
  await until(async () => !(await read(id)).processing);
  return read(id);
}

describe.skipIf(!programs)("renditions of videos", () => {
  test("renditions: a video that browsers cannot play gets a poster and an MP4, deleted with its post", async () => {
    const shared = await share(samples.mkvVideo());
    expect(shared).toMatchObject({ processing: true, thumbnail_url: null, display_url: shared.url });
    const video = await made(shared);
    expect(video.placeholder).toEqual(expect.any(String));
    const poster = await look(video.thumbnail_url);
    expect(poster.headers.get("content-type")).toBe("image/webp");
    const mp4 = await look(video.display_url);
    expect(mp4.headers.get("content-type")).toBe("video/mp4");
    expect(Buffer.from(await mp4.bytes()).toString("latin1", 4, 8)).toBe("ftyp");
    expect(await filesOf(video.id)).toEqual(["display.mp4", "mkv", "thumb.webp"]);
    await service.fetch(`/posts/${video.id}`, { method: "DELETE", token });
    expect(await filesOf(video.id)).toEqual([]);
  });

  test("renditions: a video that browsers play gets a poster only", async () => {
    const video = await made(await share(samples.mp4Video()));
    expect(video).toMatchObject({ display_url: video.url, thumbnail_url: expect.any(String) });
    expect(video.duration_seconds).toBeGreaterThan(0);
    expect(await filesOf(video.id)).toEqual(["mp4", "thumb.webp"]);
  });
});
