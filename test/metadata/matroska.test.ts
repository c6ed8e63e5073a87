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
/** A video whose block additions hold an alpha channel. */
const alphaVideo = (...more: Buffer[]) =>
  element(0xe0, element(0xb0, "\x40"), element(0xba, "\x30"), element(0x53c0, "\x01"), ...more);
const addition = (...content: Buffer[]) => element(0x75a1, element(0xa6, ...content));
const cues = element(0x1c53bb6b, element(0xbb, element(0xb3, "\0")));
const cluster = (...content: Buffer[]) => element(0x1f43b675, time, ...content);
const blocks = [block(1, "picture 1"), block(3, "sound 1"), group(1, "picture 2", element(0x9b, "\x01"))];
const cleanMatroska = (...parts: Buffer[]) => clean(Buffer.concat(parts), "video/matroska");
const sized = (...content: Buffer[]) => element(0x18538067, ...content);
const ending = (bytes: Buffer, end: Buffer) => expect(bytes.subarray(-end.length).equals(end)).toBeTrue();

describe("Matroska data", () => {
  test.each([
    ["of known size", element],
    ["of unknown size", openElement],
  ])("Matroska: removes tracks of subtitles, metadata and buttons, in clusters %s", async (_name, make) => {
    const secrets = [2, 4, 5, 6].flatMap((number) => [block(number, "secret GPS"), group(number, "secret")]);
    const sample = Buffer.concat([
      ebml,
      make(
        0x18538067,
        tracks,
        make(0x1f43b675, time, ...secrets, ...blocks),
        make(0x1f43b675, time, ...blocks),
        cues,
      ),
    ]);
    const { bytes, facts } = await cleanMatroska(sample);
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.length).toBe(sample.length);
    expect(bytes.subarray(0, cleanEbml.length).equals(cleanEbml)).toBeTrue();
    for (const kept of blocks)
      expect(bytes.toString("latin1").split(kept.toString("latin1"))).toHaveLength(3);
    for (const kept of ["V_VP8", "A_OPUS"]) expect(bytes.includes(kept)).toBeTrue();
    ending(bytes, cues);
    expect(facts.hasPicture).toBeTrue();
  });

  test("Matroska: removes unknown elements at every level", async () => {
    const secrets = [element(0x4fff, "secret"), element(0xec, "secret"), element(0xbf, "secr")];
    const sample = Buffer.concat([
      ebml,
      sized(
        ...secrets,
        element(0x1549a966, element(0x2ad7b1, "\x0f\x42\x40"), ...secrets),
        element(0x1654ae6b, ...secrets, track(1, 1, ...secrets, alphaVideo(...secrets))),
        element(
          0x114d9b74,
          element(0x4dbb, element(0x53ab, u32(0x1f43b675))),
          element(0x4dbb, element(0x53ab, u32(0x1043a770))),
          ...secrets,
        ),
        cluster(...secrets, group(1, "picture", addition(element(0xa5, "alpha"), ...secrets), ...secrets)),
      ),
    ]);
    const { bytes } = await cleanMatroska(sample);
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes("secr")).toBeFalse();
    for (const kept of ["picture", "alpha", "\x0f\x42\x40"]) expect(bytes.includes(kept)).toBeTrue();
    expect(bytes.includes(u32(0x1043a770))).toBeFalse();
    expect(bytes.includes(Buffer.concat([Buffer.from([0x84]), u32(0x1f43b675)]))).toBeTrue();
  });

  test("Matroska: cuts off bytes after the segment and unneeded elements at its end", async () => {
    const whole = Buffer.concat([cleanEbml, sized(cluster(...blocks))]);
    for (const trailer of [
      Buffer.alloc(512),
      Buffer.from("secret"),
      element(0x1254c367, "secret"),
      Buffer.from([0]),
    ]) {
      const { bytes } = await cleanMatroska(ebml, sized(cluster(...blocks)), trailer);
      // Without tracks, blocks belong to no track.
      expect(bytes.length).toBeLessThan(whole.length);
      const known = await cleanMatroska(ebml, sized(tracks, cluster(...blocks)), trailer);
      ending(known.bytes, cluster(...blocks));
    }
    const tags = [element(0x1254c367, "secret".repeat(10)), element(0xec, "secret")];
    const { bytes } = await cleanMatroska(ebml, sized(tracks, cluster(...blocks), ...tags));
    ending(bytes, cluster(...blocks));
    const size = bytes.readUInt16BE(cleanEbml.length + 4) & 0x3fff;
    expect(cleanEbml.length + 6 + size).toBe(bytes.length);
    const subtitlesLast = await cleanMatroska(
      ebml,
      openElement(0x18538067, tracks, cluster(...blocks, block(2, "secret"))),
    );
    ending(subtitlesLast.bytes, cluster(...blocks));
  });

  test.each([
    ["of known size", element, element],
    ["of unknown size", openElement, openElement],
    ["in a segment of unknown size", openElement, element],
  ])(
    "Matroska: keeps the complete pictures of an interrupted recording, in clusters %s",
    async (_name, outer, inner) => {
      const whole = Buffer.concat([
        ebml,
        outer(0x18538067, tracks, inner(0x1f43b675, time, ...blocks), inner(0x1f43b675, time, ...blocks)),
      ]);
      const last = blocks.at(-1)?.length ?? 0;
      for (const missing of [1, 5, last - 3, last]) {
        const { bytes } = await cleanMatroska(whole.subarray(0, -missing));
        ending(bytes, Buffer.concat(blocks.slice(0, -1)));
        expect(bytes.length).toBe(whole.length - last);
        const again = await cleanMatroska(bytes);
        expect(again.bytes.equals(bytes)).toBeTrue();
      }
      const beforeFirst = whole.indexOf("picture 1") + 4;
      expect(await outcome(whole.subarray(0, beforeFirst), "video/matroska")).toBe("DAMAGED_MEDIA");
    },
  );

  test("Matroska: skips a damaged cluster, as players do", async () => {
    const broken = element(
      0x1f43b675,
      time,
      block(1, "picture 0"),
      Buffer.from([0xa3, 0xfe]),
      Buffer.from("secret"),
    );
    const { bytes } = await cleanMatroska(ebml, openElement(0x18538067, tracks, broken, cluster(...blocks)));
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes("picture 0")).toBeTrue();
    ending(bytes, cluster(...blocks));
    const open = openElement(
      0x1f43b675,
      time,
      block(1, "picture 0"),
      Buffer.from([0, 0]),
      Buffer.from("secret"),
    );
    const second = await cleanMatroska(ebml, openElement(0x18538067, tracks, open, cluster(...blocks)));
    expect(leaks(second.bytes)).toBeFalse();
    ending(second.bytes, cluster(...blocks));
  });
});

describe("Matroska elements", () => {
  const secrets = [element(0x4fff, "secret"), element(0xec, "secret"), element(0xd7, "secret for 8")];
  const text = (id: number, value: string) => element(id, `${value}\0secret`);
  const float = (id: number) => element(id, Buffer.alloc(4, 0x3f));

  test("Matroska: removes unknown elements in cues, colours, projections, encodings and mappings", async () => {
    const parts = [
      element(
        0xe0,
        element(0x55b0, element(0x55b1, "\x09"), element(0x55d0, float(0x55d1), ...secrets), ...secrets),
      ),
      element(
        0xe0,
        element(0x7670, element(0x7671, "\x01"), element(0x7672, Buffer.alloc(20, 7)), ...secrets),
      ),
      element(0x41e4, element(0x41f0, "\x02"), element(0x41a4, "secret"), ...secrets),
      element(0xe2, element(0xe3, element(0xe4, element(0xe5, "\x01"), ...secrets), ...secrets), ...secrets),
      element(
        0x6d80,
        element(0x6240, element(0x5035, element(0x47e1, "\x05"), ...secrets), ...secrets),
        ...secrets,
      ),
    ];
    const sample = Buffer.concat([
      ebml,
      sized(
        element(0x1654ae6b, track(1, 1, ...parts)),
        cluster(...blocks),
        element(
          0x1c53bb6b,
          element(0xbb, element(0xb3, "\x05"), element(0xb7, element(0xf1, "\x07"), ...secrets), ...secrets),
          ...secrets,
        ),
      ),
    ]);
    const { bytes } = await cleanMatroska(sample);
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.length).toBe(sample.length);
    for (const kept of [
      element(0x55b1, "\x09"),
      float(0x55d1),
      element(0x7672, Buffer.alloc(20, 7)),
      element(0x41f0, "\x02"),
      element(0xe5, "\x01"),
      element(0x47e1, "\x05"),
      element(0xb3, "\x05"),
      element(0xf1, "\x07"),
    ])
      expect(bytes.includes(kept)).toBeTrue();
  });

  test("Matroska: removes bytes after the NUL of a text, and invalid languages", async () => {
    const { bytes } = await cleanMatroska(
      element(0x1a45dfa3, text(0x4282, "webm")),
      sized(
        element(
          0x1654ae6b,
          element(
            0xae,
            element(0xd7, "\x01"),
            element(0x83, "\x01"),
            text(0x86, "V_VP9"),
            text(0x22b59d, "de-CH"),
          ),
          track(3, 2, element(0x86, "A_OPUS secret"), element(0x22b59c, "secret"), element(0x22b59c, "ger")),
        ),
        cluster(...blocks),
      ),
    );
    expect(leaks(bytes)).toBeFalse();
    for (const kept of ["webm\0", "V_VP9\0", "de-CH\0", "A_OPUS\0", "ger"])
      expect(bytes.includes(kept)).toBeTrue();
  });

  test("Matroska: removes numbers that are longer than their type", async () => {
    const { bytes } = await cleanMatroska(
      ebml,
      sized(
        element(0x1549a966, element(0x2ad7b1, "\x0f\x42\x40"), element(0x4489, "secret float")),
        element(0x1654ae6b, track(1, 1, element(0x9c, "\0".repeat(3) + "secret"), element(0x23e383, "\x05"))),
        cluster(...blocks),
      ),
    );
    expect(leaks(bytes)).toBeFalse();
    for (const kept of [element(0x2ad7b1, "\x0f\x42\x40"), element(0x23e383, "\x05")])
      expect(bytes.includes(kept)).toBeTrue();
  });

  test("Matroska: removes bytes that are not an element from the end of a kept element", async () => {
    for (const rest of ["\0secret", "\x4d", "\0".repeat(50)]) {
      const head = element(0x114d9b74, element(0x4dbb, element(0x53ab, u32(0x1549a966))), Buffer.from(rest));
      for (const seekHead of [head, element(0x114d9b74, Buffer.from(rest)), element(0x114d9b74)]) {
        const { bytes } = await cleanMatroska(ebml, sized(seekHead, tracks, cluster(...blocks)));
        expect(leaks(bytes)).toBeFalse();
        expect(bytes.includes(u32(0x1549a966))).toBe(seekHead === head);
        ending(bytes, cluster(...blocks));
      }
    }
  });

  test("Matroska: keeps block additions only for alpha and known display metadata", async () => {
    const more = (id: number, content: string) =>
      element(0xa6, element(0xee, Buffer.of(id)), element(0xa5, Buffer.from(content, "latin1")));
    const additions = element(
      0x75a1,
      more(1, "opacity"),
      more(4, "\xb5\0\x3cHDR10+"),
      more(4, "\xb5\0\x09secret"),
      more(100, "secret"),
      element(0xa6, element(0xa5, "more opacity")),
    );
    const sampleOf = (...video: Buffer[]) => [
      ebml,
      sized(element(0x1654ae6b, track(1, 1, ...video)), cluster(group(1, "picture", additions))),
    ];
    const { bytes } = await cleanMatroska(...sampleOf(alphaVideo()));
    expect(leaks(bytes)).toBeFalse();
    for (const kept of ["opacity", "HDR10+", "more opacity"]) expect(bytes.includes(kept)).toBeTrue();
    const opaque = await cleanMatroska(...sampleOf());
    expect(opaque.bytes.includes("opacity")).toBeFalse();
    expect(opaque.bytes.includes("HDR10+")).toBeTrue();
  });

  test("Matroska: keeps the used part of projection data and compression settings", async () => {
    const projection = (type: number, content: string) =>
      element(0xe0, element(0x7670, element(0x7671, Buffer.of(type)), element(0x7672, content)));
    const compression = (algorithm: number, settings: string) =>
      element(
        0x6d80,
        element(0x6240, element(0x5034, element(0x4254, Buffer.of(algorithm)), element(0x4255, settings))),
      );
    const { bytes } = await cleanMatroska(
      ebml,
      sized(
        element(
          0x1654ae6b,
          track(
            1,
            1,
            projection(0, "secret"),
            projection(1, "equirectangular 20 bsecret"),
            projection(3, "mesh"),
          ),
          track(3, 2, compression(0, "secret"), compression(3, "stripped head")),
        ),
        cluster(...blocks),
      ),
    );
    expect(leaks(bytes)).toBeFalse();
    for (const kept of ["equirectangular 20 b", "mesh", "stripped head"])
      expect(bytes.includes(kept)).toBeTrue();
  });
});

describe("Matroska codec headers", () => {
  const headerAfter = async (codec: string, header: Buffer) => {
    const sample = Buffer.concat([
      ebml,
      sized(
        element(0x1654ae6b, track(3, 2, element(0x86, codec), element(0x63a2, header))),
        cluster(block(3, "sound")),
      ),
    ]);
    const { bytes } = await cleanMatroska(sample);
    const at = sample.indexOf(header);
    return bytes.subarray(at, at + header.length);
  };
  const flacBlock = (type: number, content: string) =>
    Buffer.concat([u32(type * 0x100_0000 + content.length), Buffer.from(content, "latin1")]);
  const comments = (vendor: string, ...texts: string[]) => {
    const sized = (text: string) => littleEndian(text.length) + text;
    return sized(vendor) + littleEndian(texts.length) + texts.map(sized).join("");
  };
  const littleEndian = (value: number) => String.fromCharCode(value, 0, 0, 0);
  const info = flacBlock(0, "\x10".repeat(34));

  test("Matroska: keeps the stream information and speaker positions of FLAC", async () => {
    const blocks = (last: number) => [
      flacBlock(2, "secret application"),
      flacBlock(6, "secret picture"),
      flacBlock(1, "secret padding"),
      flacBlock(0x80 | last, comments("secret", "TITLE=secret")),
    ];
    const after = await headerAfter(
      "A_FLAC",
      Buffer.concat([Buffer.from("fLaC"), info, ...blocks(4), Buffer.from("secret")]),
    );
    const padding = (text: string, isLast = false) => flacBlock(isLast ? 0x81 : 1, "\0".repeat(text.length));
    expect(after).toEqual(
      Buffer.concat([
        Buffer.from("fLaC"),
        info,
        padding("secret application"),
        padding("secret picture"),
        padding("secret padding"),
        padding(comments("secret", "TITLE=secret"), true),
        Buffer.alloc(6),
      ]),
    );
    const mask = "WAVEFORMATEXTENSIBLE_CHANNEL_MASK=0x4003";
    const speakers = comments("secret", "TITLE=secret", mask);
    const odd = await headerAfter(
      "A_FLAC",
      Buffer.concat([Buffer.from("fLaC"), info, flacBlock(0x84, speakers)]),
    );
    const kept = comments("", mask);
    expect(odd).toEqual(
      Buffer.concat([Buffer.from("fLaC"), info, flacBlock(0x84, kept.padEnd(speakers.length, "\0"))]),
    );
  });

  test.each([
    ["A_VORBIS", "vorbis", 0, "\x01"],
    ["V_THEORA", "theora", 0x7f, ""],
  ])("Matroska: empties the comments of %s", async (codec, name, bits, framing) => {
    const signature = (type: number) => String.fromCharCode(type + (bits ? bits : 0)) + name;
    const first = `${signature(1)}identification`;
    const second = `${signature(3 - (bits ? 1 : 0))}${comments("secret vendor", "LOCATION=secret")}${framing}`;
    const third = `${signature(5)}set-up`;
    const empty = `${signature(3 - (bits ? 1 : 0))}${comments("")}${framing}`.padEnd(second.length, "\0");
    const laced = (packet: string) =>
      Buffer.from(
        `\x02${String.fromCharCode(first.length, second.length)}${first}${packet}${third}`,
        "latin1",
      );
    expect(await headerAfter(codec, laced(second))).toEqual(laced(empty));
    const lengths = (packet: string) =>
      Buffer.from(
        [first, packet, third].map((part) => `\0${String.fromCharCode(part.length)}${part}`).join(""),
        "latin1",
      );
    expect(await headerAfter(codec, lengths(second))).toEqual(lengths(empty));
  });

  test("Matroska: removes bytes after the Opus header, and headers of codecs that have none", async () => {
    const opus = Buffer.from("OpusHead\x01\x02\0\0\0\0\0\0\0\0\0", "latin1");
    expect(await headerAfter("A_OPUS", Buffer.concat([opus, Buffer.from("secret")]))).toEqual(
      Buffer.concat([opus, Buffer.alloc(6)]),
    );
    expect((await headerAfter("A_AC3", Buffer.from("secret"))).includes("secret")).toBeFalse();
    expect(await headerAfter("A_AAC", Buffer.from([0x12, 0x10]))).toEqual(Buffer.from([0x12, 0x10]));
  });
});
