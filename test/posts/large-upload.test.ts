import { afterAll, beforeAll, expect, test } from "bun:test";

import { mp4Video } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
let token: string;
beforeAll(async () => {
  service = await TestService.start();
  ({ token } = await service.signUp());
});
afterAll(() => service.close());

/** A video with this many bytes more of what no player looks at, here and there like the start of a boundary. */
function video(bytes: number): Uint8Array<ArrayBuffer> {
  const more = Buffer.alloc(bytes);
  for (let start = 0; start < bytes; start += 65_536)
    crypto.getRandomValues(more.subarray(start, Math.min(bytes, start + 65_536)));
  for (let place = 100; place + 10 < bytes; place += 10_007) more.write("\r\n------", place, "latin1");
  more.writeUInt32BE(bytes, 0);
  more.write("mdat", 4, "latin1");
  return new Uint8Array(Buffer.concat([mp4Video(), more]));
}

test("large videos that come at once are given back to the byte", async () => {
  const videos = [100_000, 499_000, 1_000_001, 5_000_000, 7_654_321, 12_000_000].map(video);
  const given = await Promise.all(
    videos.map(async (sent) => {
      const answer = await service.upload(token, new Blob([sent]));
      expect(answer.status).toBe(200);
      const { url, bytes } = (await answer.json()) as { url: string; bytes: number };
      expect(bytes).toBe(sent.length);
      return (await service.fetch(new URL(url).pathname)).bytes();
    }),
  );
  // All but the little at the start, where its maker's notes are taken out.
  for (const [i, sent] of videos.entries())
    expect(Buffer.compare(given[i]!.subarray(mp4Video().length), sent.subarray(mp4Video().length))).toBe(0);
});
