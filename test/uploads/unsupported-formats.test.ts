import { describe, expect, test } from "bun:test";

import { describeUnsupported } from "../../src/uploads/unsupported-formats.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
/** A transport stream whose packets have this many bytes before them. */
const transport = (before: number) =>
  Buffer.concat(
    Array.from({ length: 8 }, () => Buffer.concat([Buffer.alloc(before), bytes("\x47"), Buffer.alloc(187)])),
  );
const tiff = (more = "") => bytes(`II*\0${more}`.padEnd(64, "\0"));
const riff = (kind: string) => bytes(`RIFF\x40\0\0\0${kind}fmt `.padEnd(64, "\0"));
const ftyp = (brand: string) => bytes(`\0\0\0\x18ftyp${brand}\0\0\0\0${brand}mif1`.padEnd(64, "\0"));

describe("unsupported formats", () => {
  test.each([
    ["AVCHD (.mts) cannot be shared yet; save it as MP4", transport(4)],
    ["MPEG transport streams (.ts) cannot be shared yet; save it as MP4", transport(0)],
    ["TIFF cannot be shared yet; save it as JPEG or PNG", tiff()],
    ["TIFF cannot be shared yet; save it as JPEG or PNG", bytes("MM\0*\0\x7f\xff\xf0")],
    ["Canon RAW (.cr2) cannot be shared yet; export it as JPEG", tiff("\x10\0\0\0CR\x02\0")],
    ["Canon RAW (.cr3) cannot be shared yet; export it as JPEG", ftyp("crx ")],
    [
      "Fujifilm RAW (.raf) cannot be shared yet; export it as JPEG",
      bytes("FUJIFILMCCD-RAW 0201".padEnd(64, "\0")),
    ],
    [
      "BMP cannot be shared yet; save it as JPEG or PNG",
      bytes("BM\x36\0\0\0\0\0\0\0\x36\0\0\0".padEnd(64, "\0")),
    ],
    ["ICO cannot be shared yet; save it as JPEG or PNG", bytes("\0\0\x01\0\x01\0".padEnd(64, "\0"))],
    ["Photoshop (.psd) cannot be shared yet; save it as JPEG or PNG", bytes("8BPS\0\x01".padEnd(64, "\0"))],
    ["JPEG XL cannot be shared yet; save it as JPEG or PNG", bytes("\xff\x0a\xfa\x1f".padEnd(64, "\0"))],
    [
      "JPEG 2000 cannot be shared yet; save it as JPEG or PNG",
      bytes("\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 ".padEnd(64, "\0")),
    ],
    [
      "SVG cannot be shared yet; save it as JPEG or PNG",
      bytes('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'),
    ],
    ["SVG cannot be shared yet; save it as JPEG or PNG", bytes("<svg></svg>")],
    ["Flash Video (.flv) cannot be shared yet; save it as MP4", bytes("FLV\x01\x05".padEnd(64, "\0"))],
    [
      "Sound (.mp3) cannot be shared; only images and videos can",
      bytes("ID3\x03\0\0\0\0\0\0\xff\xfb\x90\0".padEnd(64, "\0")),
    ],
    ["Sound (.wav) cannot be shared; only images and videos can", riff("WAVE")],
    ["Sound (.flac) cannot be shared; only images and videos can", bytes("fLaC".padEnd(64, "\0"))],
    ["Sound (.m4a) cannot be shared; only images and videos can", ftyp("M4A ")],
    ["PDF cannot be shared; only images and videos can", bytes("%PDF-1.7\n".padEnd(64, "\0"))],
    ["ZIP archives cannot be shared; only images and videos can", bytes("PK\x03\x04\x14\0\0\0\0\0")],
    ["HTML cannot be shared; only images and videos can", bytes("\n <!DOCTYPE html><title>x</title>")],
    ["HTML cannot be shared; only images and videos can", bytes("<html></html>")],
  ])("unsupported formats: describes %s", async (detail, sample) => {
    expect(await describeUnsupported(sample)).toBe(detail);
  });

  test("unsupported formats: describes WMV and Ogg", async () => {
    const asf = Buffer.concat([
      Buffer.from("3026b2758e66cf11a6d900aa0062ce6c", "hex"),
      Buffer.alloc(14),
      Buffer.from("9107dcb7b7a9cf118ee600c00c205365", "hex"),
      Buffer.from([72, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from("c0ef19bc4d5bcf11a8fd00805f5c442b", "hex"),
      Buffer.alloc(64),
    ]);
    expect(await describeUnsupported(asf)).toBe("Windows Media (.wmv) cannot be shared yet; save it as MP4");
    const ogg = Buffer.concat([bytes("OggS".padEnd(28, "\0")), bytes("\x80theora"), Buffer.alloc(64)]);
    expect(await describeUnsupported(ogg)).toBe("Ogg video (.ogv) cannot be shared yet; save it as MP4");
  });

  test.each([
    ["text", bytes("hello, world")],
    ["nothing", bytes("")],
    ["a word of a language", bytes("svg html")],
    ["noise", bytes("\x9c\x01\xfe\x77".repeat(100))],
  ])("unsupported formats: returns undefined for %s", async (_name, sample) => {
    expect(await describeUnsupported(sample)).toBeUndefined();
  });
});
