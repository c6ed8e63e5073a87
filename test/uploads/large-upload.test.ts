import { afterAll, beforeAll, expect, test } from "bun:test";

import { movieFile, movie, track } from "../metadata/container-samples.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
let token: string;
beforeAll(async () => {
  service = await TestService.start();
  ({ token } = await service.signUp());
});
afterAll(() => service.close());

/** A video with one frame of this many bytes, which often resemble the start of a boundary. */
function video(bytes: number): Uint8Array<ArrayBuffer> {
  const picture = Buffer.alloc(bytes);
  const random = seededRandom(bytes).bytes(65_536);
  for (let start = 0; start < bytes; start += random.length)
    picture.set(random.subarray(0, bytes - start), start);
  for (let place = 100; place + 10 < bytes; place += 10_007) picture.write("\r\n------", place, "latin1");
  const video = movieFile(picture, (data) => [
    movie(track({ id: 1, handler: "vide", chunks: [data], sampleBytes: bytes, coded: [64, 48] })),
  ]);
  return new Uint8Array(video);
}

test("upload: concurrent large videos are delivered byte for byte", async () => {
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
  // Skips the index at the start, from which metadata are removed.
  for (const [i, sent] of videos.entries()) {
    const data = Buffer.from(sent).indexOf("mdat");
    expect(Buffer.compare(given[i]!.subarray(data), sent.subarray(data))).toBe(0);
  }
});
