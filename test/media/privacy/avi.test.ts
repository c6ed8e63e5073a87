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
const entries = (...types: string[]) =>
  Buffer.concat(types.map((type) => Buffer.from(type.padEnd(16, "\x10"))));

describe("the data of an AVI", () => {
  test("avi data: chunks of other streams, unknown ones, junk and lists go; the index still holds", async () => {
    const sample = riffFile(
      "AVI ",
      header(stream("vids"), stream("txts"), stream("auds")),
      list(
        "movi",
        ...["01tx", "JUNK", "ABCD", "00tx", "07dc", "00wb", "02dc", "ix01", "dc00"].map(secret),
        picture,
        list("rec ", picture, secret("01tx"), chunk("02wb", "sound")),
        list("INFO", secret("IART")),
        chunk("ix00", "index of pictures"),
        chunk("02wb", "sound"),
      ),
      riffChunk("idx1", entries("00dc", "01tx", "secr", "02wb", "rec ")),
    );
    const { bytes } = await cleanAvi(sample);
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.length).toBe(sample.length);
    for (const kept of ["picture!", "sound", "ix00", "index of pictures"])
      expect(bytes.toString("latin1").split(kept).length).toBe(sample.toString("latin1").split(kept).length);
    const index = bytes.subarray(bytes.indexOf("idx1") + 8).toString("latin1");
    expect(index.replaceAll("\0", "").replaceAll("\x10", "")).toBe("00dc02wbrec ");
    expect(index.indexOf("02wb")).toBe(48);
  });

  test("avi data: a stream that goes keeps its place, without its description", async () => {
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

  test("avi data: streams that go at the end are left out of the header", async () => {
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

  test("avi data: an empty list of data hides nothing behind it", async () => {
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

  test("avi data: what follows is cut off, and the sizes of lists say so", async () => {
    const film = riffFile("AVI ", both, list("movi", picture, sound), riffChunk("idx1", entries("00dc")));
    const whole = riffFile(
      "AVI ",
      both,
      list("movi", picture, sound),
      riffChunk("idx1", entries("00dc")),
      list("INFO", secret("IART")),
    );
    for (const sample of [
      whole,
      Buffer.concat([film, Buffer.from("secret!")]),
      Buffer.concat([film, Buffer.from([0xff, 0xfe]), Buffer.from("secret".repeat(100))]),
      Buffer.concat([film, secret("ABCD"), secret("JUNK")]),
    ])
      expect((await cleanAvi(sample)).bytes.equals(film)).toBeTrue();
    const inside = await cleanAvi(riffFile("AVI ", both, list("movi", picture, sound, secret("JUNK"))));
    expect(inside.bytes.equals(riffFile("AVI ", both, list("movi", picture, sound)))).toBeTrue();
  });

  test("avi data: the second part of a large film is cleaned as the first", async () => {
    const film = riffFile("AVI ", both, list("movi", picture));
    const more = Buffer.from(riffFile("AVIX", list("movi", secret("JUNK"), picture, secret("01tx"), sound)));
    const { bytes } = await cleanAvi(film, more);
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.subarray(-sound.length).equals(sound)).toBeTrue();
  });

  test("avi data: a recording that was stopped keeps its whole pictures", async () => {
    const film = riffFile("AVI ", both, list("movi", picture, sound, picture));
    const cut = film.subarray(0, -3);
    const expected = riffFile("AVI ", both, list("movi", picture, sound));
    expect((await cleanAvi(cut)).bytes.equals(expected)).toBeTrue();
    // A recorder writes sizes at the end.
    const open = Buffer.from(cut);
    open.writeUInt32LE(0, 4);
    open.writeUInt32LE(0, open.indexOf("movi") - 4);
    const { bytes } = await cleanAvi(open);
    expect(bytes.subarray(-sound.length).equals(sound)).toBeTrue();
    expect(bytes.length).toBe(expected.length);
    expect(await outcome(film.subarray(0, film.indexOf("picture!") + 3), "video/x-msvideo")).toBe(
      "DAMAGED_MEDIA",
    );
    // The names of chunks stand in an index too.
    const index = riffChunk("idx1", entries("00dc", "01wb", "00dc", "00dc"));
    const indexed = riffFile("AVI ", both, list("movi", picture, sound), index);
    expect((await cleanAvi(indexed.subarray(0, -20))).bytes.equals(expected)).toBeTrue();
  });

  test("avi data: a broken place is passed over and zeroed", async () => {
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

  test("avi data: what is in the header beside descriptions goes", async () => {
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
});
