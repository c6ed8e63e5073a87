import { describe, expect, test } from "bun:test";

import { clean, leaks, outcome } from "./cleaning.ts";
import { riffChunk, riffFile } from "./photo-samples.ts";

const list = (kind: string, ...chunks: Buffer[]) =>
  riffChunk("LIST", Buffer.concat([Buffer.from(kind), ...chunks]));
const stream = (type: string, ...more: Buffer[]) =>
  list(
    "strl",
    riffChunk("strh", Buffer.from(type.padEnd(56, "\0"))),
    riffChunk("strf", Buffer.alloc(40, 1)),
    ...more,
  );
const header = (...streams: Buffer[]) => list("hdrl", riffChunk("avih", Buffer.alloc(56)), ...streams);
const chunk = (type: string, content: string) => riffChunk(type, Buffer.from(content));
const picture = chunk("00dc", "picture!");
const sound = chunk("01wb", "sound");
const secret = (type: string) => chunk(type, "secret");
const both = header(stream("vids"), stream("auds"));
const cleanAvi = (...parts: Buffer[]) => clean(Buffer.concat(parts), "video/x-msvideo");
const little = (...values: number[]) => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32LE(value, index * 4));
  return bytes;
};
/** An index entry of a key frame inside the file. */
const entry = (type: string, flags = 0x10, offset = 0x10, size = 0x10) =>
  Buffer.concat([Buffer.from(type), little(flags, offset, size)]);
const entries = (...types: string[]) => Buffer.concat(types.map((type) => entry(type)));
/** An OpenDML index of chunks with entries of two numbers and base offset 0. */
const chunkIndex = (reserved: number, ...more: Buffer[]) =>
  Buffer.concat([little(0x0100_0002, 2), Buffer.from("00dc"), little(0, 0, reserved), ...more]);

describe("AVI data", () => {
  test("AVI: removes chunks of other streams, unknown chunks, junk and lists, and keeps the index valid", async () => {
    const sample = riffFile(
      "AVI ",
      header(stream("vids"), stream("txts"), stream("auds")),
      list(
        "movi",
        ...["01tx", "JUNK", "ABCD", "00tx", "07dc", "00wb", "02dc", "ix01", "dc00"].map(secret),
        picture,
        list("rec ", picture, secret("01tx"), chunk("02wb", "sound")),
        list("INFO", secret("IART")),
        riffChunk("ix00", chunkIndex(0, little(0x10, 0x20, 0x30, 0x8000_0010))),
        chunk("02wb", "sound"),
      ),
      riffChunk("idx1", entries("00dc", "01tx", "secr", "02wb", "rec ")),
    );
    const { bytes } = await cleanAvi(sample);
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.length).toBe(sample.length);
    expect(
      bytes.includes(riffChunk("ix00", chunkIndex(0, little(0x10, 0x20, 0x30, 0x8000_0010)))),
    ).toBeTrue();
    for (const kept of ["picture!", "sound", "ix00"])
      expect(bytes.toString("latin1").split(kept).length).toBe(sample.toString("latin1").split(kept).length);
    const index = bytes.subarray(bytes.indexOf("idx1") + 8).toString("latin1");
    expect(index.replaceAll("\0", "").replaceAll("\x10", "")).toBe("00dc02wbrec ");
    expect(index.indexOf("02wb")).toBe(48);
  });

  test("AVI: keeps the place of a removed stream without its description", async () => {
    const text = stream(
      "txtsGPS!secret\0\0\0\0\0\0\x01\0\0\0\x0a\0\0\0secret secret",
      secret("strn"),
      secret("strd"),
      secret("indx"),
    );
    const { bytes, facts } = await cleanAvi(
      riffFile("AVI ", header(text, stream("vids")), list("movi", chunk("01dc", "picture!"))),
    );
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes("GPS!")).toBeFalse();
    expect(bytes.toString("latin1").split("strl")).toHaveLength(3);
    expect(bytes.includes("01dc")).toBeTrue();
    expect(facts.hasPicture).toBeTrue();
  });

  test("AVI: drops removed streams at the end from the header", async () => {
    const streams = header(stream("vids"), stream("txts"), stream("auds"), stream("txts"), stream("mids"));
    streams.writeUInt32LE(5, streams.indexOf("avih") + 8 + 24);
    const { bytes } = await cleanAvi(
      riffFile("AVI ", streams, list("movi", picture, chunk("02wb", "sound"))),
    );
    expect(bytes.toString("latin1").split("strl")).toHaveLength(4);
    expect(bytes.readUInt32LE(bytes.indexOf("avih") + 8 + 24)).toBe(3);
    expect(bytes.includes("mids")).toBeFalse();
    expect(bytes.includes("sound")).toBeTrue();
  });

  test("AVI: cleans the chunks after an empty list of data", async () => {
    const sample = riffFile(
      "AVI ",
      both,
      list("movi", picture, sound),
      list("movi"),
      list("INFO", secret("IART")),
      picture,
    );
    const { bytes } = await cleanAvi(sample);
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.length).toBe(sample.length);
  });

  test("AVI: cuts off trailing chunks and corrects the sizes of lists", async () => {
    const file = riffFile("AVI ", both, list("movi", picture, sound), riffChunk("idx1", entries("00dc")));
    const whole = riffFile(
      "AVI ",
      both,
      list("movi", picture, sound),
      riffChunk("idx1", entries("00dc")),
      list("INFO", secret("IART")),
    );
    for (const sample of [
      whole,
      Buffer.concat([file, Buffer.from("secret!")]),
      Buffer.concat([file, Buffer.from([0xff, 0xfe]), Buffer.from("secret".repeat(100))]),
      Buffer.concat([file, secret("ABCD"), secret("JUNK")]),
    ])
      expect((await cleanAvi(sample)).bytes.equals(file)).toBeTrue();
    const inside = await cleanAvi(riffFile("AVI ", both, list("movi", picture, sound, secret("JUNK"))));
    expect(inside.bytes.equals(riffFile("AVI ", both, list("movi", picture, sound)))).toBeTrue();
  });

  test("AVI: cleans the second RIFF of a large file like the first", async () => {
    const file = riffFile("AVI ", both, list("movi", picture));
    const more = Buffer.from(riffFile("AVIX", list("movi", secret("JUNK"), picture, secret("01tx"), sound)));
    const { bytes } = await cleanAvi(file, more);
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.subarray(-sound.length).equals(sound)).toBeTrue();
  });

  test("AVI: keeps the complete pictures of an interrupted recording", async () => {
    const file = riffFile("AVI ", both, list("movi", picture, sound, picture));
    const cut = file.subarray(0, -3);
    const expected = riffFile("AVI ", both, list("movi", picture, sound));
    expect((await cleanAvi(cut)).bytes.equals(expected)).toBeTrue();
    // A recorder writes sizes at the end.
    const open = Buffer.from(cut);
    open.writeUInt32LE(0, 4);
    open.writeUInt32LE(0, open.indexOf("movi") - 4);
    const { bytes } = await cleanAvi(open);
    expect(bytes.subarray(-sound.length).equals(sound)).toBeTrue();
    expect(bytes.length).toBe(expected.length);
    expect(await outcome(file.subarray(0, file.indexOf("picture!") + 3), "video/x-msvideo")).toBe(
      "DAMAGED_MEDIA",
    );
    // An index contains the names of chunks too.
    const index = riffChunk("idx1", entries("00dc", "01wb", "00dc", "00dc"));
    const indexed = riffFile("AVI ", both, list("movi", picture, sound), index);
    expect((await cleanAvi(indexed.subarray(0, -20))).bytes.equals(expected)).toBeTrue();
  });

  test("AVI: skips and wipes damaged bytes", async () => {
    for (const broken of ["\0\0\0\0secret\0\0", "\xff\xffsecret secret", "ABCD\xff\xff\xff\x7fsecret"]) {
      const sample = riffFile(
        "AVI ",
        both,
        list("movi", picture, Buffer.from(broken, "latin1"), picture, sound),
      );
      const { bytes } = await cleanAvi(sample);
      expect(leaks(bytes)).toBeFalse();
      // All but the byte that may pad the last chunk.
      expect(bytes.length).toBeGreaterThanOrEqual(sample.length - 1);
      expect(bytes.toString("latin1").split("picture!")).toHaveLength(3);
    }
  });

  test("AVI: removes everything but stream descriptions from the header", async () => {
    const sample = riffFile(
      "AVI ",
      list(
        "hdrl",
        riffChunk("avih", Buffer.concat([Buffer.alloc(56), Buffer.from("secret")])),
        stream("vids", secret("ISMP"), Buffer.from("secret")),
        list("odml", riffChunk("dmlh", Buffer.from("\x07\0\0\0secret")), secret("ABCD")),
        secret("IDIT"),
      ),
      list("movi", picture),
    );
    const { bytes } = await cleanAvi(sample);
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes("dmlh")).toBeTrue();
  });

  test("AVI: keeps the first of each stream description without trailing bytes", async () => {
    const properties = Buffer.concat([Buffer.alloc(32), little(1), Buffer.alloc(32, 1)]);
    const sound = Buffer.concat([Buffer.alloc(16, 1), Buffer.from([2, 0]), Buffer.from("cb")]);
    const behind = Buffer.from("secret");
    const picture = stream(
      "vids",
      riffChunk("vprp", Buffer.concat([properties, behind])),
      ...["strh", "strf", "vprp", "indx"].map(secret),
      ...["strh", "strf", "vprp", "indx"].map(secret),
    );
    const { bytes, facts } = await cleanAvi(
      riffFile(
        "AVI ",
        list(
          "hdrl",
          riffChunk("avih", Buffer.concat([Buffer.alloc(40, 1), Buffer.from("secret reserved ")])),
          picture,
          list(
            "strl",
            riffChunk("strh", Buffer.from("auds".padEnd(56, "\0"))),
            riffChunk("strf", Buffer.concat([sound, behind])),
          ),
        ),
        list("movi", chunk("00dc", "picture!")),
      ),
    );
    expect(leaks(bytes)).toBeFalse();
    for (const kept of [Buffer.alloc(40, 1), properties, sound]) expect(bytes.includes(kept)).toBeTrue();
    expect(facts.hasPicture).toBeTrue();
  });

  test("AVI: keeps only index entries that point inside the file", async () => {
    const outside = Buffer.from("secretsecretsecr");
    const inside = little(0x10, 0x20);
    const ofIndexes = (reserved: Buffer, ...more: Buffer[]) =>
      Buffer.concat([little(4, 2), Buffer.from("00dc"), reserved, ...more]);
    const place = little(0x10, 0, 0x20, 0x30);
    const sample = riffFile(
      "AVI ",
      header(
        stream("vids", riffChunk("indx", ofIndexes(Buffer.from("secret text!"), place, outside, outside))),
        stream("auds", riffChunk("indx", Buffer.from("secret that is no index at all"))),
      ),
      list(
        "movi",
        picture,
        riffChunk("ix00", chunkIndex(0x7363_6572, inside, outside)),
        riffChunk("ix01", Buffer.from("secret")),
      ),
      riffChunk(
        "idx1",
        Buffer.concat([
          entry("00dc", 0x7365_0010),
          Buffer.from("01wbsecretsecret"),
          entry("01wb"),
          Buffer.from("secret"),
        ]),
      ),
    );
    const { bytes } = await cleanAvi(sample);
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.length).toBe(sample.length);
    for (const kept of [
      riffChunk("indx", ofIndexes(Buffer.alloc(12), place, Buffer.alloc(32))),
      riffChunk("ix00", chunkIndex(0, inside, Buffer.alloc(16))),
      riffChunk("idx1", Buffer.concat([entry("00dc"), Buffer.alloc(16), entry("01wb"), Buffer.alloc(6)])),
    ])
      expect(bytes.includes(kept)).toBeTrue();
    expect(bytes.includes("cers")).toBeFalse();
  });

  test("AVI: keeps palette changes and Indeo pictures in streams that can have them", async () => {
    const format = (codec: string, bits: number) => {
      const content = Buffer.alloc(40);
      content.write(codec, 16, "latin1");
      content.writeUInt16LE(bits, 14);
      return list(
        "strl",
        riffChunk("strh", Buffer.from("vids".padEnd(56, "\0"))),
        riffChunk("strf", content),
      );
    };
    const palette = (flags: string, behind: string) => chunk("01pc", `\0\x02${flags}rgb\0rgb\0${behind}`);
    const sample = riffFile(
      "AVI ",
      header(format("XVID", 24), format("MRLE", 8), format("IV50", 24)),
      list("movi", picture, secret("00pc"), secret("00iv"), palette("se", "secret"), chunk("02iv", "indeo")),
    );
    const { bytes } = await cleanAvi(sample);
    expect(leaks(bytes)).toBeFalse();
    for (const kept of [palette("\0\0", "\0".repeat(6)), chunk("02iv", "indeo")])
      expect(bytes.includes(kept)).toBeTrue();
  });

  test("AVI: wipes padding bytes", async () => {
    const odd = chunk("01wb", "sound");
    odd.writeUInt8(0x73, odd.length - 1);
    const { bytes } = await cleanAvi(riffFile("AVI ", both, list("movi", odd, picture)));
    expect(bytes.includes(Buffer.concat([chunk("01wb", "sound"), picture]))).toBeTrue();
  });
});
