import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";

import { ApiError } from "../../src/errors.ts";
import type { DiskSpace } from "../../src/observability/disk-space.ts";
import { copyLimits } from "../../src/renditions/ffmpeg/limits.ts";
import type { IntakeType } from "../../src/uploads/staged-file.ts";
import { createRewrap } from "../../src/uploads/transport-stream.ts";
import type { UploadWith } from "../../src/uploads/upload-form.ts";
import { VideoFolder, moving, programs, tone, x264 } from "../renditions/ffmpeg/video-folder.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

describe.skipIf(!programs)("uploads of transport streams", () => {
  let folder: VideoFolder;
  let service: TestService;
  let token: string;
  beforeAll(async () => {
    folder = await VideoFolder.create();
    const video = [...moving("320x180"), ...tone(), "-metadata", "service_name=secret"];
    await folder.make(
      "00001.MTS",
      ...video,
      ...x264,
      "-c:a",
      "ac3",
      "-f",
      "mpegts",
      "-mpegts_m2ts_mode",
      "1",
    );
    await folder.make("tv.ts", ...video, "-c:v", "mpeg2video", "-c:a", "mp2", "-f", "mpegts");
    const dts = ["-c:a", "dca", "-ar", "48000", "-ac", "2", "-strict", "-2", "-f", "mpegts"];
    await folder.make("dts.ts", ...video, ...x264, ...dts);
    service = await TestService.start();
    token = (await service.signUp()).token;
  });
  afterAll(async () => {
    await service.close();
    await folder.remove();
  });
  afterEach(async () => {
    // Temp files are removed after the response.
    await until(async () => (await service.tempFiles()).length === 0);
  });

  const upload = (name: string, of = service, as = token) =>
    of.upload(as, Bun.file(folder.file(name)), undefined, name);

  test.each([
    ["00001.MTS", "00001.mp4"],
    ["tv.ts", "tv.mp4"],
  ])("upload: %s is stored as an MP4 with the same pictures, without metadata", async (name, stored) => {
    const answer = await upload(name);
    expect(answer.status).toBe(200);
    const post = (await answer.json()) as Record<string, unknown>;
    expect(post).toMatchObject({
      ...{ content_type: "video/mp4", file_name: stored, width: 320, height: 180 },
      duration_seconds: expect.any(Number),
    });
    const bytes = await (await service.fetch(new URL(String(post["url"])).pathname)).bytes();
    expect(Buffer.from(bytes).includes("secret")).toBe(false);
    await Bun.write(folder.file("stored.mp4"), bytes);
    expect(await folder.frames("stored.mp4")).toEqual(await folder.frames(name));
  });

  test("upload: a transport stream with codecs that MP4 lacks is answered 415 with advice", async () => {
    const answer = await upload("dts.ts");
    expect([answer.status, await answer.json()]).toEqual([
      415,
      { detail: "MPEG transport streams with these codecs cannot be shared; save the video as MP4" },
    ]);
  });

  test("upload: a transport stream without pictures is answered 415", async () => {
    const packets = Buffer.alloc(188 * 100);
    for (let at = 0; at < packets.length; at += 188) packets[at] = 0x47;
    const answer = await service.upload(token, new Blob([packets]), undefined, "a.ts");
    expect(answer.status).toBe(415);
  });

  test("upload: a transport stream claims the disk space that its MP4 can take at most, and is removed without it", async () => {
    const claims: number[] = [];
    const space = {
      async claim(_account: string, bytes: number) {
        claims.push(bytes);
        throw new ApiError("STORAGE_FULL");
      },
    };
    const path = folder.file("upload");
    const bytes = await Bun.write(path, Bun.file(folder.file("tv.ts")));
    const { videoTools, log } = service.services;
    const rewrap = createRewrap(videoTools!, space as unknown as DiskSpace, log);
    const upload = { file: Bun.file(path), facts: { type: "video/mp2t", bytes } };
    const { signal } = new AbortController();
    await expect(rewrap(upload as UploadWith<IntakeType>, "ada", signal)).rejects.toMatchObject({
      code: "STORAGE_FULL",
    });
    expect(claims).toEqual([copyLimits(bytes).fileBytes]);
    expect(existsSync(path)).toBe(false);
  });

  test("upload: without ffmpeg, a transport stream is answered 415 with advice", async () => {
    const without = await TestService.start({ FFMPEG: "off" });
    try {
      const answer = await upload("00001.MTS", without, (await without.signUp()).token);
      expect([answer.status, await answer.json()]).toEqual([
        415,
        { detail: "AVCHD (.mts) cannot be shared yet; save it as MP4" },
      ]);
    } finally {
      await without.close();
    }
  });
});
