import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { requireAccepted } from "../../src/uploads/resumable/growing-file.ts";
import { box, ftyp, movie, track } from "../metadata/container-samples.ts";
import { TestService } from "../support/service.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-formats-"));
  for (const name of ["ffmpeg", "ffprobe"])
    await writeFile(join(folder, name), "#!/bin/sh\n", { mode: 0o755 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const images = "JPEG, PNG, GIF, WebP, AVIF, HEIC";
const videos = "MP4, MOV, WebM, MKV, AVI, 3GP, MPEG";

test.each([
  ["with ffmpeg", true, `${videos}, MTS`],
  ["without ffmpeg", false, videos],
])("upload: the 415 for an unknown format lists what is accepted %s", async (_, withFfmpeg, accepted) => {
  const detail = `Only images (${images}) and videos (${accepted}) can be shared`;
  const service = await TestService.start({ FFMPEG: withFfmpeg ? join(folder, "ffmpeg") : "off" });
  try {
    const answer = await service.upload((await service.signUp()).token, new Blob(["hello"]), "", "x");
    expect([answer.status, await answer.json()]).toEqual([415, { detail }]);
  } finally {
    await service.close();
  }
  const limits = { maxBytes: { image: 100, video: 100 }, transportStreams: withFfmpeg };
  await expect(requireAccepted(Buffer.from("hello"), 5, limits)).rejects.toMatchObject({
    code: "UNSUPPORTED_MEDIA",
    options: { detail },
  });
});

test("upload: a file without a picture is answered 415 with that reason", async () => {
  const service = await TestService.start();
  try {
    const sound = Buffer.concat([ftyp, movie(track({ id: 1, handler: "soun" })), box("mdat", "sound")]);
    const answer = await service.upload((await service.signUp()).token, new Blob([sound]), "", "a.mp4");
    expect([answer.status, await answer.json()]).toEqual([
      415,
      { detail: "Files without a picture cannot be shared" },
    ]);
  } finally {
    await service.close();
  }
});
