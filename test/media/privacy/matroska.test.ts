import { describe, expect, test } from "bun:test";

import { clean, leaks, outcome } from "./cleaning.ts";
import { element, openElement, u32 } from "./container-samples.ts";

const ebml = element(0x1a45dfa3, element(0x4282, "webm"), element(0x1234 | 0x4000, "secret"));
const cleanEbml = element(0x1a45dfa3, element(0x4282, "webm"), element(0xec, "\0".repeat(7)));
const track = (number: number, type: number, ...more: Buffer[]) =>
  element(0xae, element(0xd7, Buffer.from([number])), element(0x83, Buffer.from([type])), ...more);
const tracks = element(
  0x1654ae6b,
  track(1, 1, element(0x536e, "secret name"), element(0x258688, "secret codec"), element(0x86, "V_VP8")),
  track(2, 0x11, element(0x63a2, "secret ASS header: /home/jane")),
  track(3, 2, element(0x86, "A_OPUS")),
  track(4, 0x21),
  track(5, 0x12),
);
const block = (number: number, content: string) =>
  element(0xa3, Buffer.concat([Buffer.from([0x80 | number, 0, 0, 0x80]), Buffer.from(content)]));
const group = (number: number, content: string, ...more: Buffer[]) =>
  element(
    0xa0,
    element(0xa1, Buffer.concat([Buffer.from([0x80 | number, 0, 0, 0]), Buffer.from(content)])),
    ...more,
  );
const time = element(0xe7, "\0");
const cues = element(0x1c53bb6b, element(0xbb, element(0xb3, "\0")));
const cluster = (...content: Buffer[]) => element(0x1f43b675, time, ...content);
const film = [block(1, "picture 1"), block(3, "sound 1"), group(1, "picture 2", element(0x9b, "\x01"))];
const cleanMatroska = (...parts: Buffer[]) => clean(Buffer.concat(parts), "video/matroska");
const sized = (...content: Buffer[]) => element(0x18538067, ...content);
const ending = (bytes: Buffer, end: Buffer) => expect(bytes.subarray(-end.length).equals(end)).toBeTrue();

describe("the data of a Matroska or WebM", () => {
  test.each([
    ["of known size", element],
    ["of unknown size", openElement],
  ])(
    "matroska data: subtitles, metadata and buttons go, with their tracks, in clusters %s",
    async (_name, make) => {
      const secrets = [2, 4, 5, 6].flatMap((number) => [
        block(number, "secret GPS"),
        group(number, "secret"),
      ]);
      const sample = Buffer.concat([
        ebml,
        make(
          0x18538067,
          tracks,
          make(0x1f43b675, time, ...secrets, ...film),
          make(0x1f43b675, time, ...film),
          cues,
        ),
      ]);
      const { bytes, facts } = await cleanMatroska(sample);
      expect(leaks(bytes)).toBeFalse();
      expect(bytes.length).toBe(sample.length);
      expect(bytes.subarray(0, cleanEbml.length).equals(cleanEbml)).toBeTrue();
      for (const kept of film)
        expect(bytes.toString("latin1").split(kept.toString("latin1"))).toHaveLength(3);
      for (const kept of ["V_VP8", "A_OPUS"]) expect(bytes.includes(kept)).toBeTrue();
      ending(bytes, cues);
      expect(facts.hasPicture).toBeTrue();
    },
  );

  test("matroska data: unknown elements go at every level", async () => {
    const secrets = [element(0x4fff, "secret"), element(0xec, "secret"), element(0xbf, "secr")];
    const sample = Buffer.concat([
      ebml,
      sized(
        ...secrets,
        element(0x1549a966, element(0x2ad7b1, "\x0f\x42\x40"), ...secrets),
        element(
          0x1654ae6b,
          ...secrets,
          track(1, 1, ...secrets, element(0xe0, element(0xb0, "\x40"), element(0xba, "\x30"), ...secrets)),
        ),
        element(
          0x114d9b74,
          element(0x4dbb, element(0x53ab, u32(0x1f43b675))),
          element(0x4dbb, element(0x53ab, u32(0x1043a770))),
          ...secrets,
        ),
        cluster(...secrets, group(1, "picture", element(0x75a1, "alpha"), ...secrets)),
      ),
    ]);
    const { bytes } = await cleanMatroska(sample);
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes("secr")).toBeFalse();
    for (const kept of ["picture", "alpha", "\x0f\x42\x40"]) expect(bytes.includes(kept)).toBeTrue();
    expect(bytes.includes(u32(0x1043a770))).toBeFalse();
    expect(bytes.includes(Buffer.concat([Buffer.from([0x84]), u32(0x1f43b675)]))).toBeTrue();
  });

  test("matroska data: bytes behind the segment, and what nothing needs at its end, are cut off", async () => {
    const whole = Buffer.concat([cleanEbml, sized(cluster(...film))]);
    for (const trailer of [
      Buffer.alloc(512),
      Buffer.from("secret"),
      element(0x1254c367, "secret"),
      Buffer.from([0]),
    ]) {
      const { bytes } = await cleanMatroska(ebml, sized(cluster(...film)), trailer);
      // Without tracks, blocks are nobody's.
      expect(bytes.length).toBeLessThan(whole.length);
      const known = await cleanMatroska(ebml, sized(tracks, cluster(...film)), trailer);
      ending(known.bytes, cluster(...film));
    }
    const tags = [element(0x1254c367, "secret".repeat(10)), element(0xec, "secret")];
    const { bytes } = await cleanMatroska(ebml, sized(tracks, cluster(...film), ...tags));
    ending(bytes, cluster(...film));
    const size = bytes.readUInt16BE(cleanEbml.length + 4) & 0x3fff;
    expect(cleanEbml.length + 6 + size).toBe(bytes.length);
    const subtitlesLast = await cleanMatroska(
      ebml,
      openElement(0x18538067, tracks, cluster(...film, block(2, "secret"))),
    );
    ending(subtitlesLast.bytes, cluster(...film));
  });

  test.each([
    ["of known size", element, element],
    ["of unknown size", openElement, openElement],
    ["in a segment of unknown size", openElement, element],
  ])(
    "matroska data: a recording that was stopped keeps its whole pictures, in clusters %s",
    async (_name, outer, inner) => {
      const whole = Buffer.concat([
        ebml,
        outer(0x18538067, tracks, inner(0x1f43b675, time, ...film), inner(0x1f43b675, time, ...film)),
      ]);
      const last = film.at(-1)?.length ?? 0;
      for (const missing of [1, 5, last - 3, last]) {
        const { bytes } = await cleanMatroska(whole.subarray(0, -missing));
        ending(bytes, Buffer.concat(film.slice(0, -1)));
        expect(bytes.length).toBe(whole.length - last);
        const again = await cleanMatroska(bytes);
        expect(again.bytes.equals(bytes)).toBeTrue();
      }
      const beforeFirst = whole.indexOf("picture 1") + 4;
      expect(await outcome(whole.subarray(0, beforeFirst), "video/matroska")).toBe("DAMAGED_MEDIA");
    },
  );

  test("matroska data: a broken cluster is passed over, as players do", async () => {
    const broken = element(
      0x1f43b675,
      time,
      block(1, "picture 0"),
      Buffer.from([0xa3, 0xfe]),
      Buffer.from("secret"),
    );
    const { bytes } = await cleanMatroska(ebml, openElement(0x18538067, tracks, broken, cluster(...film)));
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes("picture 0")).toBeTrue();
    ending(bytes, cluster(...film));
    const open = openElement(
      0x1f43b675,
      time,
      block(1, "picture 0"),
      Buffer.from([0, 0]),
      Buffer.from("secret"),
    );
    const second = await cleanMatroska(ebml, openElement(0x18538067, tracks, open, cluster(...film)));
    expect(leaks(second.bytes)).toBeFalse();
    ending(second.bytes, cluster(...film));
  });
});
