import { describe, expect, test } from "bun:test";

import { inspectFirstBytes } from "../../src/uploads/type-detection.ts";
import * as samples from "../support/media-samples.ts";

const text = (content: string) => new TextEncoder().encode(content);
const box = (type: string, brand: string) =>
  text(`\0\0\0\x18ftyp${brand}\0\0\0\0${brand}mp42`.replace("ftyp", type));

describe("inspection", () => {
  test.each([
    ["image/jpeg", samples.jpegPhoto],
    ["image/png", samples.pngPhoto],
    ["image/webp", samples.webpPhoto],
    ["image/gif", samples.gifPhoto],
    ["image/avif", samples.avifPhoto],
    ["image/heic", samples.heicPhoto],
    ["video/mp4", samples.mp4Video],
    ["video/quicktime", samples.movVideo],
    ["video/webm", samples.webmVideo],
    ["video/matroska", samples.mkvVideo],
    ["video/x-msvideo", samples.aviVideo],
    ["video/3gpp", samples.threeGpVideo],
    ["video/mpeg", samples.mpegVideo],
  ] as const)("inspection: detects %s", async (type, sample) => {
    expect(await inspectFirstBytes((await sample()).slice(0, 4100))).toBe(type);
  });

  const withBrands = (...brands: string[]) => {
    const [first = "", ...others] = brands;
    const box = text(`\0\0\0\0ftyp${first}\0\0\0\0${others.join("")}`);
    box[3] = box.length;
    return Uint8Array.from([...box, ...text("\0\0\0\x08meta")]);
  };
  test.each([
    ["image/avif", ["avif"]],
    ["image/avif", ["mif1", "miaf", "avif"]],
    ["image/avif", ["msf1", "avis", "iso8"]],
    ["image/avif", ["MA1B", "mif1", "avif"]],
    ["image/avif", ["avis", "avif", "msf1", "iso8", "mif1", "miaf", "MA1A"]],
    ["image/heic", ["mif1", "heic"]],
    ["image/heic", ["heix", "mif1", "avif"]],
    ["image/heic", ["msf1", "hevc"]],
    ["image/heic", ["mif1"]],
    ["image/heic", ["mif1", "jpeg"]],
    ["image/heic", ["heic", "mif1", "tmap", "MiHB", "miaf"]],
    ["video/mp4", ["isom", "iso8", "mif1", "avif"]],
    ["video/mp4", ["mp42", "heic"]],
    ["video/quicktime", ["qt  ", "mif1"]],
    ["video/3gpp", ["3gp5", "mif1"]],
  ] as const)("inspection: detects %s by the brands %p", async (type, brands) => {
    expect(await inspectFirstBytes(withBrands(...brands))).toBe(type);
  });

  test("inspection: reads brands up to the end of their box", async () => {
    const sample = withBrands("mif1", "miaf", "avif");
    sample[3] = 20;
    expect(await inspectFirstBytes(sample)).toBe("image/heic");
  });
  const atom = (type: string, content = "") => {
    const bytes = Buffer.alloc(8 + content.length);
    bytes.writeUInt32BE(bytes.length);
    bytes.write(type + content, 4, "latin1");
    return bytes;
  };
  test.each([
    ["video/quicktime", [atom("skip", "\0".repeat(40)), atom("mdat")]],
    ["video/quicktime", [atom("pnot", "\0".repeat(12)), atom("PICT", "preview"), atom("moov")]],
    ["video/quicktime", [atom("uuid", "x".repeat(16)), atom("junk"), atom("wide"), atom("mdat")]],
    ["video/quicktime", [atom("junk", "\0".repeat(9000))]],
    ["video/mp4", [atom("skip", "\0".repeat(40)), atom("ftyp", "isom\0\0\0\0isom"), atom("moov")]],
    [undefined, [atom("skip", "\0".repeat(40)), atom("text"), atom("text")]],
    [undefined, [atom("skip", "\0".repeat(40)), atom("ftyp", "M4A \0\0\0\0M4A "), atom("moov")]],
    [undefined, [text("the junk of other people is a treasure")]],
    [undefined, [text("\0\0\0\x04skip"), atom("mdat"), atom("mdat")]],
  ] as const)(
    "inspection: returns %s for a file that does not start with its file type",
    async (type, parts) => {
      expect(await inspectFirstBytes(Buffer.concat([...parts, Buffer.alloc(8)]).subarray(0, 4100))).toBe(
        type,
      );
    },
  );

  test.each([
    ["nothing", text("")],
    ["text", text("hello, world")],
    ["HTML", text("<!doctype html><script>alert(1)</script>")],
    [
      "SVG",
      text('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
    ],
    ["PDF", text("%PDF-1.7\n")],
    ["a ZIP archive", text("PK\x03\x04\x14\0\0\0\0\0")],
    ["a BMP", text("BM\x36\0\0\0\0\0\0\0\x36\0\0\0")],
    ["sound in an MP4 container", box("ftyp", "M4A ")],
    ["half a PNG signature", text("\x89PN")],
  ])("inspection: rejects %s", async (_name, bytes) => {
    expect(await inspectFirstBytes(bytes)).toBeUndefined();
  });
});
