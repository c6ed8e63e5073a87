import { movieFile, movie, track } from "../metadata/container-samples.ts";
import { seededRandom } from "./seeded-random.ts";

/** An MP4 with one frame of this many random bytes, all of which are kept when it is stored. */
export function randomVideo(frameBytes: number, seed = frameBytes): Uint8Array<ArrayBuffer> {
  const frame = Buffer.alloc(frameBytes);
  const random = seededRandom(seed).bytes(Math.min(frameBytes, 65_521));
  for (let start = 0; start < frameBytes; start += random.length)
    frame.set(random.subarray(0, frameBytes - start), start);
  const coded = { id: 1, handler: "vide", sampleBytes: frameBytes, coded: [64, 48] as [number, number] };
  return new Uint8Array(movieFile(frame, (data) => [movie(track({ ...coded, chunks: [data] }))]));
}

/** The frame in such a video, which lacks what the service may change. */
export const frameOf = (video: Uint8Array): Buffer => {
  const bytes = Buffer.from(video.buffer, video.byteOffset, video.length);
  return bytes.subarray(bytes.indexOf("mdat"));
};
