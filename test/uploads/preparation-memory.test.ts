// Runs alone: under load the garbage collector is late, and the peak higher.
import { join } from "node:path";

import { expect, test } from "bun:test";

import { inTempFolder } from "../metadata/cleaning.ts";
import { jpegPhoto } from "../support/media-samples.ts";

test(
  "truncated JPEG: a large file without an end marker is in memory only once, and rejected above 64 MB",
  () =>
    inTempFolder(async (folder) => {
      // In a progressive JPEG, bytes after the last block belong to the scan, and decoders skip them.
      const photo = new Bun.Image(await new Bun.Image(await jpegPhoto(320, 240)).png().bytes());
      const scan = (await photo.jpeg({ quality: 90, progressive: true }).bytes()).subarray(0, -2);
      for (const megabytes of [66, 68]) {
        await Bun.write(
          join(folder, `${megabytes}`),
          Buffer.concat([scan, Buffer.alloc(megabytes * 1_000_000, 0xaa)]),
        );
        await Bun.write(join(folder, `${megabytes}.type`), "image/jpeg");
      }
      const script = join(import.meta.dir, "../metadata/peak-memory.ts");
      const child = Bun.spawn([process.execPath, script, folder, "prepare"]);
      const { outcomes, peakMegabytes } = await new Response(child.stdout).json();
      expect(outcomes).toEqual({ 66: "cleaned", 68: "CUT_OFF_MEDIA" });
      expect(peakMegabytes).toBeLessThan(300);
    }),
  60_000,
);
