import { movieFile, movie, track } from "../metadata/container-samples.ts";

/** An MP4 with one picture of this many bytes, all of which are kept when it is stored. */
export const largeVideo = (bytes: number): Buffer =>
  movieFile(Buffer.alloc(bytes), (data) => [
    movie(track({ id: 1, handler: "vide", chunks: [data], sampleBytes: bytes, coded: [64, 48] })),
  ]);
