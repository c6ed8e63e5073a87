import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rm } from "node:fs/promises";

import { ApiError } from "../../src/errors.ts";
import type { PostRead } from "../../src/posts/post-read.ts";
import type { RenditionServices } from "../../src/rendition-jobs/rendition-services.ts";
import { createRenditionRunner, type RenditionRunner } from "../../src/rendition-jobs/runner.ts";
import { limitsOf, mp4Limits } from "../../src/renditions/ffmpeg/limits.ts";
import { createVideoTools, type VideoTools } from "../../src/renditions/ffmpeg/video-tools.ts";
import { programs, VideoFolder } from "../renditions/ffmpeg/video-folder.ts";
import { jpegPhoto, mkvVideo } from "../support/media-samples.ts";
import { writeOddFfmpeg } from "../support/odd-ffmpeg.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

describe.skipIf(!programs)("MP4 jobs", () => {
  let service: TestService;
  let token: string;
  let folder: VideoFolder;
  let runner: RenditionRunner | undefined;
  beforeEach(async () => {
    service = await TestService.start();
    ({ token } = await service.signUp());
    folder = await VideoFolder.create();
  });
  afterEach(async () => {
    await runner?.stop();
    await service.close();
    await folder.remove();
  });

  /** Starts a runner that looks and retries quickly. */
  function start(changes: Partial<RenditionServices>): void {
    const times = { pollMs: 20, renewalMs: 1000, retryMs: 1 };
    runner = createRenditionRunner({ ...service.services, ...changes }, times);
    runner.start();
  }
  /** The tools with another way of making MP4s. */
  const making = (makeMp4: VideoTools["makeMp4"]): Pick<RenditionServices, "videoTools"> => ({
    videoTools: { ...service.services.videoTools!, makeMp4 },
  });
  /** Tools whose ffmpeg runs a script first. */
  const scripted = async (script: string): Promise<Pick<RenditionServices, "videoTools">> => ({
    videoTools: createVideoTools({
      ...programs!,
      ffmpeg: await writeOddFfmpeg(programs!, folder.path, script),
    }),
  });

  const share = async (file: Uint8Array<ArrayBuffer>) =>
    (await (await service.upload(token, new Blob([file]))).json()) as PostRead;
  const read = async (id: string) =>
    (await (await service.fetch(`/posts/${id}`, { token })).json()) as PostRead;
  const done = (id: string) => until(async () => !(await read(id)).processing);
  const filesOf = async (id: string) =>
    (await service.mediaFiles())
      .filter((name) => name.startsWith(id))
      .map((name) => name.slice(37))
      .sort();
  const failures = () =>
    service.logged.filter((text) => text.includes('"rendition.failed"')).map((text) => JSON.parse(text));

  test("renditions: thumbnails, display sizes and posters are made while an MP4 takes long", async () => {
    const video = await share(mkvVideo());
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    start(
      making(async (_file, _output, signal) => {
        begin();
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        throw new Error("unreachable");
      }),
    );
    await begun;
    const photo = await share(await jpegPhoto(2100, 350));
    await done(photo.id);
    await until(async () => failures().length > 0 || (await filesOf(video.id)).includes("thumb.webp"));
    expect(failures()).toEqual([]);
    expect(await filesOf(photo.id)).toContain("display.webp");
    expect((await read(video.id)).processing).toBe(true);
  });

  test("renditions: a job claims the disk space that its files can take at most", async () => {
    const claims: number[] = [];
    const { id, bytes } = await share(mkvVideo());
    start({
      space: {
        claim(party, claimed) {
          claims.push(claimed);
          return service.services.space.claim(party, claimed);
        },
      },
    });
    await done(id);
    const mp4 = mp4Limits(bytes).fileBytes;
    expect(claims).toHaveLength(2);
    expect(claims).toContain(mp4);
    expect(claims.find((claimed) => claimed !== mp4)).toBeGreaterThan(limitsOf.poster.fileBytes);
  });

  test("renditions: an MP4 that would exceed its disk space fails for good, and its post keeps the original alone", async () => {
    const video = await share(mkvVideo());
    start(await scripted(`exec dd if=/dev/zero of="$output" bs=1M`));
    await done(video.id);
    expect(await read(video.id)).toMatchObject({ display_url: video.url });
    expect(failures()).toMatchObject([
      { post: video.id, kind: "mp4", attempts: 1, error: { name: "VideoError" } },
    ]);
    expect(failures()[0].error.message).toStartWith("costly");
    expect(await filesOf(video.id)).toEqual(["mkv", "thumb.webp"]);
    expect(await service.tempFiles()).toEqual([]);
  });

  test("renditions: an MP4 is made later when the disk was full meanwhile, however often, and leaves no file until then", async () => {
    const { id } = await share(mkvVideo());
    const isFull = folder.file("full");
    await Bun.write(isFull, "");
    start(
      await scripted(
        `[ -e ${isFull} ] && ln -sf /dev/full "$output" && exec dd if=/dev/zero of="$output" bs=1M count=1`,
      ),
    );
    await until(() => failures().length > 6);
    expect(await filesOf(id)).not.toContain("display.mp4");
    await rm(isFull);
    await done(id);
    expect(await filesOf(id)).toEqual(["display.mp4", "mkv", "thumb.webp"]);
    expect(await service.tempFiles()).toEqual([]);
    for (const { error, attempts } of failures())
      expect([error.message, attempts]).toEqual(["STORAGE_FULL", 1]);
  });

  test("renditions: an MP4 that grows into the space that is kept free ends, and is made later", async () => {
    const { id } = await share(mkvVideo());
    let isFull = true;
    const content = "an MP4";
    start({
      ...making(async (_file, output, signal) => {
        await Bun.write(output, content);
        if (isFull)
          await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        return { width: 1, height: 1, durationSeconds: 1, hasAudio: false };
      }),
      space: {
        claim: async () => ({
          async received(total) {
            if (total !== content.length || !isFull) return;
            isFull = false;
            throw new ApiError("STORAGE_FULL");
          },
          release() {},
        }),
      },
    });
    await done(id);
    expect(await filesOf(id)).toContain("display.mp4");
    expect(failures()).toMatchObject([{ post: id, kind: "mp4", attempts: 1 }]);
    expect(await service.tempFiles()).toEqual([]);
  });
});
