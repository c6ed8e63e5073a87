import { inflateSync } from "node:zlib";

/** The picture as rows of RGB(A) samples, shrunk to this size. PNG's filters: PNG specification, 9.2. */
export async function rawPixels(image: Uint8Array, width: number, height: number): Promise<number[]> {
  const png = Buffer.from(await new Bun.Image(image).resize(width, height, { filter: "box" }).png().bytes());
  const channels = { 2: 3, 6: 4 }[png[25]!] ?? 1;
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
    if (png.toString("latin1", at + 4, at + 8) === "IDAT")
      data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  const rows = inflateSync(Buffer.concat(data));
  const stride = width * channels;
  const out: number[] = [];
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const left = x >= channels ? out[y * stride + x - channels]! : 0;
      const up = y > 0 ? out[(y - 1) * stride + x]! : 0;
      const corner = y > 0 && x >= channels ? out[(y - 1) * stride + x - channels]! : 0;
      const guess = left + up - corner;
      const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
      const paeth = a <= b && a <= c ? left : b <= c ? up : corner;
      const predicted = [0, left, up, (left + up) >> 1, paeth][filter ?? 0] ?? 0;
      out.push((rows[y * (stride + 1) + 1 + x]! + predicted) & 255);
    }
  }
  return out.filter((_, at) => channels !== 4 || at % 4 !== 3);
}
