import { describe, expect, test } from "bun:test";

import { clean, leaks, outcome, pixels } from "./cleaning.ts";
import { plainPng, pngChunk, pngChunks, secretExif, xmp } from "./photo-samples.ts";

const text = [
  pngChunk("tEXt", "Comment\0secret"),
  pngChunk("zTXt", "Title\0\0secret"),
  pngChunk("iTXt", Buffer.concat([Buffer.from("XML:com.adobe.xmp\0\0\0\0\0"), xmp])),
  pngChunk("tIME", Buffer.from([7, 0xe4, 1, 2, 3, 4, 5])),
  pngChunk("prVt", "secret"),
];
const types = (png: Buffer) => pngChunks(png).map(({ type }) => type);

describe("a PNG", () => {
  test("loses its texts, times and EXIF before, behind and after its data, and no pixel", async () => {
    const sample = plainPng([...text, pngChunk("eXIf", secretExif(6))], text, "secret tail");
    const { bytes, facts, left } = await clean(sample, "image/png");
    expect(leaks(bytes)).toBeFalse();
    expect(types(bytes)).toEqual(["IHDR", "eXIf", "IDAT", "IEND"]);
    expect(await pixels(bytes)).toEqual(await pixels(plainPng()));
    expect(facts).toEqual({
      bytes: bytes.length,
      orientation: 6,
      size: { width: 32, height: 48 },
      hasPicture: true,
    });
    expect(left).toEqual(["upload"]);
  });

  test.each(["", "Exif\0\0"])(
    "keeps its orientation right behind IHDR, with a checksum (prefix %p)",
    async (prefix) => {
      const exif = pngChunk("eXIf", Buffer.concat([Buffer.from(prefix), secretExif(3, "MM")]));
      const { bytes, facts } = await clean(plainPng([], [exif]), "image/png");
      const written = pngChunks(bytes)[1];
      expect(written?.type).toBe("eXIf");
      expect(written?.content).toHaveLength(26);
      expect(written?.bytes).toEqual(pngChunk("eXIf", written?.content));
      expect(facts.orientation).toBe(3);
    },
  );

  test("keeps what makes its colours, density and animation, in order", async () => {
    const before = ["gAMA", "cHRM", "sRGB", "iCCP", "cICP", "sBIT", "pHYs", "acTL", "fcTL"].map((type) =>
      pngChunk(type, `${type} content`),
    );
    const after = ["fcTL", "fdAT"].map((type) => pngChunk(type, `${type} content`));
    const plain = plainPng(before, after);
    const mixed = plainPng([...text, ...before], [...after, ...text]);
    expect((await clean(plain, "image/png")).bytes).toEqual(plain);
    expect((await clean(mixed, "image/png")).bytes).toEqual(plain);
  });

  test("that is cut, has no picture or needs an unknown chunk is refused", async () => {
    const plain = plainPng();
    for (const cut of [1, 12, 13, 200])
      expect(await outcome(plain.subarray(0, -cut), "image/png")).toBe("DAMAGED_MEDIA");
    const withoutData = Buffer.concat([plain.subarray(0, 33), pngChunk("IEND")]);
    expect(await outcome(withoutData, "image/png")).toBe("DAMAGED_MEDIA");
    expect(await outcome(plainPng([pngChunk("CgBI", "1234")]), "image/png")).toBe("DAMAGED_MEDIA");
  });
});
