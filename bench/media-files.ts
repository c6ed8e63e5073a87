import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";

import { movieFile, movie, track } from "../test/metadata/container-samples.ts";

/** Writes a JPEG of 12 megapixels and about 3 MB, like a phone's. */
export async function writePhoto(path: string): Promise<void> {
  await Bun.write(
    path,
    await new Bun.Image(noise(1000, 750)).resize(4032, 3024).jpeg({ quality: 84 }).bytes(),
  );
}

/** Coloured noise as an uncompressed 24-bit BMP. */
function noise(width: number, height: number): Uint8Array<ArrayBuffer> {
  const row = Math.ceil((width * 3) / 4) * 4;
  const bytes = new Uint8Array(54 + row * height);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  view.setUint32(2, bytes.length, true);
  view.setUint32(10, 54, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, width, true);
  view.setInt32(22, height, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  for (let at = 54; at < bytes.length; at++) bytes[at] = 96 + Math.random() * 64;
  return bytes;
}

/** Writes an MP4 of this size: an index, and one frame of data. */
export function writeVideo(path: string, size: number): void {
  const movieWith = (sampleBytes: number) =>
    movieFile("", (data) => [
      movie(track({ id: 1, handler: "vide", chunks: [data], sampleBytes, coded: [64, 48] })),
    ]);
  const dataBytes = size - movieWith(0).length;
  const content = movieWith(dataBytes);
  content.writeUInt32BE(dataBytes + 8, content.length - 8);
  const file = openSync(path, "w");
  writeSync(file, content);
  // A sparse file, so that reading it costs no disk access.
  ftruncateSync(file, size);
  closeSync(file);
}
