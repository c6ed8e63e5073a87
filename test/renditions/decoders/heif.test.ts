import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { CannotDecode } from "../../../src/renditions/decoders/cannot-decode.ts";
import { decodeHeif, type DecodedPicture } from "../../../src/renditions/decoders/heif.ts";
import { RawPicture } from "../../../src/renditions/raw-picture.ts";
import { displayProfile } from "../../support/icc-samples.ts";
import { avifPhoto, heicPhoto } from "../../support/media-samples.ts";
import { seeded } from "../../support/seeded-random.ts";
import { inTempFolder } from "../../metadata/cleaning.ts";
import { box, type HeifItem } from "../../metadata/container-samples.ts";
import {
  areas,
  av1,
  av1Opacity,
  av1With10Bits,
  clap,
  fileOf,
  gridOf,
  height,
  hevc,
  hevc10,
  hevc444,
  hevcOpacity,
  imir,
  irot,
  item,
  nclx,
  opacityItem,
  width,
} from "./samples.ts";

/** Memory enough for every sample. */
const maxBytes = 1e9;
const decode = (bytes: Uint8Array, longSide = 1000): Promise<DecodedPicture> =>
  inTempFolder(async (folder) => {
    const path = join(folder, "a");
    await Bun.write(path, bytes);
    return decodeHeif(path, { longSide, maxBytes });
  });

const pixel = ({ picture }: DecodedPicture, x: number, y: number) => [
  ...picture.rows.subarray(picture.at(x, y), picture.at(x, y) + 4),
];

/** Finds the areas in the four corners: their numbers, from the top left to the bottom right. */
function corners(decoded: DecodedPicture, inset = 6): (number | string)[] {
  const { width, height } = decoded.picture;
  return [inset, height - 1 - inset].flatMap((y) =>
    [inset, width - 1 - inset].map((x) => {
      const found = pixel(decoded, x, y);
      const area = areas.findIndex((colour) =>
        colour.every((value, at) => Math.abs(value - found[at]!) <= 6),
      );
      return area === -1 ? found.join() : area;
    }),
  );
}
const sizeOf = ({ picture }: DecodedPicture) => [picture.width, picture.height];

const codings = [
  ["HEVC", hevc, hevcOpacity],
  ["AV1", av1, av1Opacity],
] as const;

describe("decoding of HEIC and AVIF", () => {
  test.each([
    ["HEVC", hevc],
    ["HEVC without chroma subsampling", hevc444],
    ["HEVC with 10 bits", hevc10],
    ["AV1", av1],
    ["AV1 with 10 bits, without chroma subsampling", av1With10Bits],
  ])("decoders: decode a picture in %s", async (_, coded) => {
    const decoded = await decode(fileOf(item(1, coded)));
    expect(sizeOf(decoded)).toEqual([width, height]);
    expect(corners(decoded)).toEqual([0, 1, 2, 3]);
    expect(decoded.colours).toBeUndefined();
  });

  test.each(codings)("decoders: decode opacity (%s)", async (_, coded, opacity) => {
    const decoded = await decode(fileOf(item(1, coded), opacityItem(opacity)));
    expect(corners(decoded)).toEqual([0, "0,0,0,0", 2, "0,0,0,0"]);
  });

  test.each(codings)(
    "decoders: decode the opacity channel alone as shades of grey (%s)",
    async (_, __, grey) => {
      const decoded = await decode(fileOf(item(1, grey)));
      expect(pixel(decoded, 6, 6)).toEqual([255, 255, 255, 255]);
      expect(pixel(decoded, width - 6, 6)).toEqual([0, 0, 0, 255]);
    },
  );

  test.each(codings)("decoders: decode a grid of tiles, cut to its size (%s)", async (_, coded) => {
    const decoded = await decode(gridOf(coded, [2 * width - 10, 2 * height - 8]));
    expect(sizeOf(decoded)).toEqual([2 * width - 10, 2 * height - 8]);
    expect(corners(decoded)).toEqual([0, 1, 2, 3]);
    expect(corners(decoded, width / 2 + 10).length).toBe(4);
    expect(pixel(decoded, width + 6, height + 6)).toEqual(pixel(decoded, 6, 6));
  });

  describe.each(codings)("the transformations of a picture (%s)", (_, coded, __) => {
    test.each<[string, Buffer[], number[], number[]]>([
      ["a quarter turn anticlockwise", [irot(1)], [height, width], [1, 3, 0, 2]],
      ["a half turn", [irot(2)], [width, height], [3, 2, 1, 0]],
      ["three quarter turns", [irot(3)], [height, width], [2, 0, 3, 1]],
      ["an exchange of top and bottom", [imir(0)], [width, height], [2, 3, 0, 1]],
      ["an exchange of left and right", [imir(1)], [width, height], [1, 0, 3, 2]],
      ["a turn before a mirror", [irot(1), imir(1)], [height, width], [3, 1, 2, 0]],
      ["a mirror before a turn", [imir(1), irot(1)], [height, width], [0, 2, 1, 3]],
      ["a crop to the right half", [clap([64, 64], [32, 0])], [64, 64], [1, 1, 3, 3]],
      ["a crop before a turn", [clap([128, 32], [0, 16]), irot(1)], [32, 128], [3, 3, 2, 2]],
    ])("decoders: apply %s once", async (_, steps, size, expected) => {
      const decoded = await decode(fileOf(item(1, coded, steps)));
      expect(sizeOf(decoded)).toEqual(size);
      expect(corners(decoded)).toEqual(expected);
    });

    test("decoders: turn a grid after joining its tiles", async () => {
      const decoded = await decode(gridOf(coded, undefined, [irot(1)]));
      expect(sizeOf(decoded)).toEqual([2 * height, 2 * width]);
      expect(corners(decoded)).toEqual([1, 3, 0, 2]);
    });
  });

  test.each(codings)("decoders: shrink a picture to its longest side (%s)", async (_, coded) => {
    const decoded = await decode(gridOf(coded), 128);
    expect(sizeOf(decoded)).toEqual([width, height]);
    expect(corners(decoded, 3)).toEqual([0, 1, 2, 3]);
    const odd = await decode(gridOf(coded), 129);
    expect(sizeOf(odd)).toEqual([129, 65]);
    expect(corners(odd, 3)).toEqual([0, 1, 2, 3]);
  });

  test("decoders: do not mix the colours of transparent pixels into those they reduce", async () => {
    const decoded = await decode(fileOf(item(1, hevc), opacityItem(hevcOpacity)), 1);
    const [red, , , opacity] = pixel(decoded, 0, 0);
    expect(sizeOf(decoded)).toEqual([1, 1]);
    expect(opacity).toBe(128);
    // The average of the red and the blue area.
    expect(red).toBeWithin(126, 131);
  });

  test.each(codings)("decoders: return the colour profile of a picture (%s)", async (_, coded) => {
    const profile = displayProfile();
    const properties = [box("colr", "prof", profile)];
    const { colours } = await decode(fileOf(item(1, coded, [], [nclx(1, 13, 6), ...properties])));
    expect(colours).toEqual({ profile });
  });

  test("decoders: return coded colours, also those of the tiles of a grid", async () => {
    const { colours } = await decode(fileOf(item(1, hevc, [], [nclx(12, 13, 6)])));
    expect(colours).toMatchObject({ primaries: [0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06] });
    const hdr = await decode(fileOf(item(1, av1With10Bits, [], [nclx(9, 16, 9)])));
    expect(hdr.colours).toHaveProperty("linear");
  });

  test("decoders: decode the samples of common encoders", async () => {
    expect(sizeOf(await decode(heicPhoto()))).toEqual([8, 8]);
    expect(sizeOf(await decode(avifPhoto()))).toEqual([4, 4]);
  });
});

describe("pictures that cannot be decoded", () => {
  /** The size of the picture, or the error's class. */
  const outcome = (bytes: Uint8Array) =>
    decode(bytes).then(
      () => "decoded",
      (error: unknown) => (error as Error).constructor.name,
    );

  test.each<[string, HeifItem[]]>([
    [
      "a coding without a decoder",
      [{ id: 1, type: "avc1", size: [8, 8], payload: Buffer.alloc(8), inData: true }],
    ],
    ["no primary picture", []],
    ["a crop outside the picture", [item(1, av1, [clap([128, 64], [10, 0])])]],
    ["a crop without a size", [item(1, av1, [box("clap", Buffer.alloc(32))])]],
    ["data that is no picture", [item(1, { ...hevc, data: Buffer.alloc(100) })]],
    ["data of AV1 that is no picture", [item(1, { ...av1, data: Buffer.alloc(100) })]],
  ])("decoders: reject %s with CannotDecode", async (_, items) => {
    expect(await outcome(fileOf(...items))).toBe(CannotDecode.name);
  });

  test("decoders: reject a picture that needs more memory than allowed, before they decode it", async () => {
    await inTempFolder(async (folder) => {
      const path = join(folder, "a");
      await Bun.write(path, fileOf(item(1, hevc)));
      const decoding = decodeHeif(path, { longSide: 64, maxBytes: width * height * 4 });
      await expect(decoding).rejects.toThrow(CannotDecode);
    });
  });

  test.each(codings)("decoders: survive files with changed and missing bytes (%s)", (_, coded) =>
    seeded(async (random) => {
      const whole = gridOf(coded);
      for (let round = 0; round < 40; round++) {
        const changed = Buffer.from(whole.subarray(0, round % 2 ? undefined : random.integer(whole.length)));
        for (let flips = round % 2; flips > 0 && flips < 8; flips++)
          if (changed.length > 0) changed.writeUInt8(random.integer(256), random.integer(changed.length));
        expect(["decoded", CannotDecode.name, "ApiError"]).toContain(await outcome(changed));
      }
      expect(corners(await decode(fileOf(item(1, coded))))).toEqual([0, 1, 2, 3]);
    })(),
  );
});

const encoder = Bun.which("heif-enc");
const reference = Bun.which("heif-convert") ?? Bun.which("heif-dec");
if (!encoder || !reference)
  console.log("not compared with libheif's own decoder: heif-enc or heif-convert is missing");

describe.skipIf(!encoder || !reference)("the same pictures as the system's decoder", () => {
  test.each([
    ["HEIC", "a.heic", []],
    ["AVIF", "a.avif", ["-A"]],
  ] as const)("decoders: decode a detailed %s like the system's decoder", async (_, name, options) => {
    await inTempFolder(async (folder) => {
      const run = async (...command: string[]) => {
        const child = Bun.spawn(command, { cwd: folder, stdout: "ignore", stderr: "ignore" });
        if ((await child.exited) !== 0) throw new Error(command.join(" "));
      };
      const original = RawPicture.transparent({ width: 322, height: 242 });
      original.forEach((rows, at) => {
        const [x, y] = [(at >> 2) % 322, Math.floor(at / 1289)];
        rows.set([x % 256, y, (x + y) & 255, 255], at);
      });
      await Bun.write(join(folder, "a.png"), await original.toImage().png().bytes());
      await run(encoder!, ...options, "-q", "70", "a.png", "--no-alpha", "-o", name);
      await run(reference!, name, "b.png");
      const { picture } = await decodeHeif(join(folder, name), { longSide: 1000, maxBytes });
      const expected = await RawPicture.decode(new Bun.Image(join(folder, "b.png")));
      expect([picture.width, picture.height]).toEqual([322, 242]);
      // The decoders differ in how they enlarge subsampled chroma.
      expect(peakSignalToNoise(picture, expected)).toBeGreaterThan(36);
    });
  });
});

/** Returns the PSNR of two pictures of one size in decibels. */
function peakSignalToNoise(one: RawPicture, other: RawPicture): number {
  expect(one.rows.length).toBe(other.rows.length);
  let squares = 0;
  for (let at = 0; at < one.rows.length; at++) squares += (one.rows[at]! - other.rows[at]!) ** 2;
  return 10 * Math.log10(255 ** 2 / (squares / one.rows.length));
}
