import { describe, expect, test } from "bun:test";

import { cleanProfileInPlace } from "../../src/metadata/icc.ts";
import { displayProfile } from "../support/icc-samples.ts";
import { clean, leaks, outcome, pixels } from "./cleaning.ts";
import {
  bareHeifOf,
  box,
  codedPicture,
  ftyp,
  fullBox,
  gridPayload,
  heic,
  heifOf,
  movie,
  overlayPayload,
  pictureEntry,
  track,
  u16,
  u32,
  xmpUuid,
  type HeifItem,
} from "./container-samples.ts";
import { jpegSegment, plainJpeg, secretExif, withSegments, xmp } from "./photo-samples.ts";

const picture = codedPicture("coded picture");
const exif = Buffer.concat([Buffer.from("\0\0\0\x06Exif\0\0", "latin1"), secretExif(6)]);
/** Size of EXIF with only the orientation. */
const orientationBytes = 4 + 26;

describe("metadata in HEIC and AVIF", () => {
  test.each(["image/heic", "image/avif"] as const)(
    "HEIF: removes EXIF and XMP, and keeps the description of pictures (%s)",
    async (type) => {
      const sample = heic(exif, xmp, picture);
      const { bytes, facts, left } = await clean(sample, type);
      expect(leaks(bytes)).toBeFalse();
      for (const kept of ["meta", "pitm", "iloc", "ispe", "irot", "colr", "hvcC", "pict", "coded picture"])
        expect(bytes.includes(kept)).toBeTrue();
      for (const gone of ["udes", "artist"]) expect(bytes.includes(gone)).toBeFalse();
      expect(facts).toEqual({
        bytes: sample.length - exif.length + orientationBytes,
        orientation: 1,
        size: { width: 48, height: 64 },
        decodedPixels: 64 * 48,
        hasPicture: true,
      });
      expect(left).toEqual(["upload"]);
    },
  );

  test("HEIF: leaves well-formed items, EXIF with only the orientation and XMP with an empty root", async () => {
    const { bytes } = await clean(heic(exif, xmp, picture), "image/heic");
    const orientation = bytes.subarray(-orientationBytes);
    expect(orientation.subarray(0, 12).toString("latin1")).toBe("\0\0\0\0MM\0*\0\0\0\x08");
    expect(orientation.readUInt16BE(4 + 18)).toBe(6);
    expect(bytes.toString("latin1")).toMatch(/idat<x:xmpmeta xmlns:x="adobe:ns:meta\/"\/>\0*\0\0\0/);
    const root = '<x:xmpmeta xmlns:x="adobe:ns:meta/"/>';
    const locations = bytes.subarray(bytes.indexOf("iloc"));
    expect(locations.readUInt32BE(12 + 16 + 12)).toBe(orientationBytes);
    expect(locations.readUInt32BE(12 + 2 * 16 + 12)).toBe(root.length);
  });

  test("HEIF: cleaning a second time changes nothing", async () => {
    const { bytes } = await clean(heic(exif, xmp, picture), "image/heic");
    expect((await clean(bytes, "image/heic")).bytes).toEqual(bytes);
  });

  test("HEIF: refuses EXIF outside the data, and a truncated file", async () => {
    const sample = heic(exif, xmp, picture);
    const at = sample.indexOf("iloc") + 8 + 2 + 2 + 16 + 8;
    const lying = Buffer.from(sample);
    lying.writeUInt32BE(20, at);
    expect(await outcome(lying, "image/heic")).toBe("DAMAGED_MEDIA");
    expect(await outcome(sample.subarray(0, -5), "image/heic")).toBe("CUT_OFF_MEDIA");
  });

  const colourBox = (bytes: Buffer) => {
    const at = bytes.indexOf("colr");
    return bytes.subarray(at + 4, at - 4 + bytes.readUInt32BE(at - 4));
  };
  test.each(["prof", "rICC"])("HEIF: rebuilds a colour profile (%s) in place", async (type) => {
    const profile = displayProfile();
    const { bytes } = await clean(
      heifOf([{ id: 1, type: "hvc1", size: [64, 48], properties: [box("colr", type, profile)] }]),
      "image/heic",
    );
    expect(leaks(bytes)).toBeFalse();
    expect(colourBox(bytes)).toEqual(
      Buffer.concat([Buffer.from(type), cleanProfileInPlace(profile) as Buffer<ArrayBuffer>]),
    );
  });

  test("HEIF: keeps numeric colours, and removes unknown colour types", async () => {
    const numbers = box("colr", "nclx", u16(1, 13, 6), "\x80");
    const secret = [box("colr", "prof", "secret"), box("colr", "xxxx", "secret")];
    const { bytes } = await clean(
      heifOf([{ id: 1, type: "av01", size: [64, 48], properties: [numbers, ...secret] }]),
      "image/avif",
    );
    expect(bytes.includes(numbers)).toBeTrue();
    expect(leaks(bytes)).toBeFalse();
  });

  test("HEIF: removes unknown properties, even if marked as essential", async () => {
    const unknown = [box("priv", "secret"), box("uuid", "secret")];
    const sample = heifOf([
      { id: 1, type: "hvc1", size: [64, 48], properties: unknown, essential: [box("cryp", "secret")] },
    ]);
    const { bytes } = await clean(sample, "image/heic");
    expect(leaks(bytes)).toBeFalse();
    // The index of each property and the essential flag stay.
    expect(bytes.subarray(bytes.indexOf("ipma"))).toEqual(sample.subarray(sample.indexOf("ipma")));
  });

  const auxiliary = (name: string) => fullBox("auxC", 0, `${name}\0`);
  test.each<[string, Buffer]>([
    ["ispe", fullBox("ispe", 0, u32(64, 48))],
    ["pasp", box("pasp", u32(1, 1))],
    ["clap", box("clap", u32(60, 1, 40, 1, 0, 1, 0, 1))],
    ["irot", box("irot", "\x01")],
    ["imir", box("imir", "\x01")],
    ["clli", box("clli", u32(7))],
    ["mdcv", box("mdcv", Buffer.alloc(24, 7))],
    ["pixi", fullBox("pixi", 0, "\x03\x08\x08\x08")],
    ["lsel", box("lsel", u16(1))],
    ["a1op", box("a1op", "\x01")],
    ["a1lx", box("a1lx", "\0", Buffer.alloc(6, 1))],
    ["colr", box("colr", "nclx", u16(1, 13, 6), "\x80")],
    ["auxC", auxiliary("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha")],
    ["auxC of Apple", auxiliary("urn:com:apple:photo:2020:aux:hdrgainmap")],
    ["hvcC", box("hvcC", Buffer.alloc(21, 1), "\xff\x01\x20", u16(1, 5), "\x40\x01VPS")],
    ["avcC", box("avcC", "\x01\x42\0\x0a\xff\xe1", u16(4), "\x67SPS", "\x01", u16(4), "\x68PPS")],
    ["av1C", box("av1C", Buffer.alloc(4, 1), "\x0a\x03seq")],
  ])("HEIF: removes bytes after the content of a property (%s)", async (_name, property) => {
    const withTail = (tail: Buffer) =>
      heifOf([
        {
          id: 1,
          type: "hvc1",
          size: [64, 48],
          properties: [box(property.toString("latin1", 4, 8), property.subarray(8), tail)],
        },
      ]);
    const { bytes } = await clean(withTail(Buffer.from("x-secret")), "image/heic");
    expect(bytes).toEqual(withTail(Buffer.alloc(8)));
  });

  test("HEIF: removes user data in SEI messages from an HEVC configuration, and keeps parameter sets", async () => {
    const withSei = (text: string) => {
      const sei = Buffer.concat([
        Buffer.from([0x4e, 1, 5, text.length]),
        Buffer.from(text),
        Buffer.from([0x80]),
      ]);
      const sets = ["\x02\xa0\0\x01", u16(5), "\x40\x01VPS"];
      const configuration = box("hvcC", Buffer.alloc(22, 1), ...sets, "\xa7\0\x01", u16(sei.length), sei);
      return heifOf([{ id: 1, type: "hvc1", size: [64, 48], properties: [configuration] }]);
    };
    const { bytes } = await clean(withSei("secret settings of an encoder"), "image/heic");
    expect(bytes).toEqual(withSei(" ".repeat(29)));
  });

  test("HEIF: removes reserved bits of rotations, and the name of an unknown auxiliary picture", async () => {
    const withProperties = (...properties: Buffer[]) =>
      heifOf([{ id: 1, type: "hvc1", size: [64, 48], properties }]);
    const sample = withProperties(box("irot", "\xfd"), box("imir", "\xfe"), auxiliary("urn:secret"));
    const { bytes } = await clean(sample, "image/heic");
    expect(bytes).toEqual(
      withProperties(box("irot", "\x01"), box("imir", "\0"), fullBox("auxC", 0, Buffer.alloc(11))),
    );
  });

  /** A HEIC with these additional boxes at the end of `meta`. */
  const withMeta = (...boxes: Buffer[]) => {
    const item: HeifItem = { id: 1, type: "hvc1", size: [64, 48], payload: codedPicture(), inData: false };
    const sample = heifOf([item]);
    const at = sample.indexOf("meta") - 4;
    const end = at + sample.readUInt32BE(at);
    const meta = box("meta", sample.subarray(at + 8, end), ...boxes);
    return Buffer.concat([sample.subarray(0, at), meta, sample.subarray(end)]);
  };
  test("HEIF: removes repeated boxes in meta, and unknown groups", async () => {
    const group = (type: string, ...more: string[]) => fullBox(type, 0, u32(9, 2, 1, 2), ...more);
    const { bytes } = await clean(
      withMeta(
        box("grpl", group("altr", "secret"), group("ster"), group("priv", "secret")),
        box("idat", "secret"),
        box("grpl", group("altr", "secret")),
        fullBox("hdlr", 0, u32(0), "pict", Buffer.alloc(12), "secret"),
        box("ipro", "secret"),
      ),
      "image/heic",
    );
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes(group("ster"))).toBeTrue();
    expect(bytes.includes(box("altr", group("altr").subarray(8), Buffer.alloc(6)))).toBeTrue();
    expect(bytes.includes("picture")).toBeTrue();
  });

  test("HEIF: removes bytes after the entries of tables", async () => {
    const sample = heifOf([
      { id: 1, type: "hvc1", size: [64, 48] },
      { id: 2, type: "hvc1", size: [64, 48], references: { auxl: [1] }, contentType: "secret\0secret" },
      { id: 3, type: "mime", contentType: "text/plain\0secret", payload: Buffer.from("x") },
      { id: 4, type: "mime", name: "secret".repeat(500), contentType: "text/plain" },
    ]);
    expect(leaks((await clean(sample, "image/heic")).bytes)).toBeFalse();
    for (const type of ["pitm", "iloc", "ipma", "auxl"]) {
      // Reduce the entry count by one, so that bytes remain after the entries.
      const at = sample.indexOf(type) - 4;
      const end = at + sample.readUInt32BE(at);
      const longer = Buffer.concat([sample.subarray(0, end), Buffer.from("secret!!"), sample.subarray(end)]);
      for (const parent of [type, "meta", ...({ ipma: ["iprp"], auxl: ["iref"] }[type] ?? [])]) {
        const size = longer.indexOf(parent) - 4;
        longer.writeUInt32BE(longer.readUInt32BE(size) + 8, size);
      }
      const { bytes } = await clean(moved(longer, 8), "image/heic");
      expect([type, leaks(bytes)]).toEqual([type, false]);
      expect(bytes.includes("picture")).toBeTrue();
    }
  });

  /** Shifts the offsets of items in the media data. */
  const moved = (heif: Buffer, bytes: number) => {
    const mdat = heif.indexOf("mdat") + 4 - bytes;
    const iloc = heif.indexOf("iloc");
    for (let at = iloc; at < heif.indexOf("mdat"); at++)
      if (heif.readUInt32BE(at) >= mdat && heif.readUInt32BE(at) < heif.length)
        heif.writeUInt32BE(heif.readUInt32BE(at) + bytes, at);
    return heif;
  };

  test("HEIF: removes item names, vendor boxes and paths of other files", async () => {
    const sample = heifOf(
      [
        { id: 1, type: "hvc1", size: [64, 48], name: "secret name" },
        { id: 2, type: "mime", name: "secret", contentType: "text/plain", payload: Buffer.from("secret") },
      ],
      box("uuid", xmpUuid, "secret"),
      box("uuid", Buffer.alloc(16, 7), "secret"),
      box("priv", "secret"),
    );
    const { bytes } = await clean(sample, "image/heic");
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes("text/plain")).toBeTrue();
    expect(bytes.subarray(-7).toString("latin1")).toBe("picture");
  });

  test("HEIF: removes data that belongs to no picture", async () => {
    const sample = heic(exif, xmp, Buffer.concat([picture, Buffer.from(" secret leftover")]));
    // Shorten the picture, so that data remains after it.
    const at = sample.indexOf("iloc") + 8 + 2 + 2 + 12;
    sample.writeUInt32BE(picture.length, at);
    const { bytes } = await clean(sample, "image/heic");
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes("coded picture")).toBeTrue();
  });

  test("HEIF: truncates the file after the last needed byte", async () => {
    const items: HeifItem[] = [{ id: 1, type: "hvc1", size: [64, 48] }];
    const plain = heifOf(items);
    const file = Buffer.concat([ftyp, box("mdat", "secret video"), movie(track({ id: 1, handler: "vide" }))]);
    for (const tail of [
      [box("mpvd", file)],
      [box("free", Buffer.alloc(3_000_000))],
      [box("mdat", "secret")],
      [box("skip"), box("uuid", "secret"), Buffer.from("secret")],
      [Buffer.from("\0\0\0\0secr")],
    ]) {
      const { bytes, facts } = await clean(heifOf(items, ...tail), "image/heic");
      expect(bytes).toEqual(plain);
      expect(facts.bytes).toBe(plain.length);
    }
  });

  test("HEIF: removes data in other boxes, and movie indexes without a movie", async () => {
    const items: HeifItem[] = [{ id: 1, type: "hvc1", size: [64, 48] }];
    const indexes = ["sidx", "ssix", "styp", "mfra", "moof"].map((type) => box(type, "secret"));
    const { bytes } = await clean(heifOf(items, box("imda", "\0\0\0\x01secret"), ...indexes), "image/heic");
    expect(bytes).toEqual(heifOf(items));
  });

  test("HEIF: keeps the header form of a shortened data box", async () => {
    const thumbnail: HeifItem = {
      id: 2,
      type: "hvc1",
      size: [16, 12],
      payload: Buffer.alloc(2000, "secret"),
      inData: true,
      references: { thmb: [1] },
    };
    const sample = heifOf([{ id: 1, type: "hvc1", size: [64, 48] }, thumbnail]);
    const at = sample.indexOf("mdat") - 4;
    const open = Buffer.from(sample);
    open.writeUInt32BE(0, at);
    const { bytes } = await clean(sample, "image/heic");
    expect(bytes).toHaveLength(sample.length - 1999);
    expect(bytes.readUInt32BE(at)).toBe(bytes.length - at);
    const { bytes: openBytes } = await clean(open, "image/heic");
    expect(openBytes).toHaveLength(bytes.length);
    expect(openBytes.readUInt32BE(at)).toBe(0);
  });
});

describe("pictures in HEIC and AVIF", () => {
  const primary: HeifItem = { id: 1, type: "hvc1", size: [64, 48] };
  const payload = (text: string) => ({ payload: Buffer.from(text), inData: true });
  const jpegWith = async (...segments: Buffer[]) => withSegments(await plainJpeg(), ...segments);

  test("HEIF: removes thumbnails, which may show cropped or covered parts", async () => {
    const { bytes, facts } = await clean(
      heifOf([
        primary,
        { id: 2, type: "hvc1", size: [16, 12], ...payload("secret thumbnail"), references: { thmb: [1] } },
        { id: 6, type: "hvc1", size: [16, 12], ...payload("its secret opacity"), references: { auxl: [2] } },
        {
          id: 7,
          type: "grid",
          size: [16, 12],
          payload: gridPayload(1, 1, 16, 12),
          parts: [8],
          references: { thmb: [1] },
        },
        { id: 8, type: "hvc1", size: [16, 12], ...payload("its secret tile") },
        { id: 3, type: "jpeg", size: [16, 12], ...payload("secret preview"), references: { thmb: [1] } },
        { id: 4, type: "jpeg", ...payload("secret preview") },
        { id: 5, type: "mime", contentType: "image/jpeg", ...payload("secret preview") },
      ]),
      "image/heic",
    );
    expect(leaks(bytes)).toBeFalse();
    expect(facts.size).toEqual({ width: 64, height: 48 });
    // Readers must not try to decode it.
    const types = [...bytes.toString("latin1").matchAll(/infe\x02.{7}(....)/gs)].map(([, type]) => type);
    expect(types).toEqual(["hvc1", "free", "free", "free", "free", "free", "free", "mime"]);
  });

  test("HEIF: removes bytes after the values that readers use from the data of a derived picture", async () => {
    const tile: HeifItem = { id: 2, type: "hvc1", size: [32, 48] };
    const wide = Buffer.concat([Buffer.from([0, 1, 0, 0]), u32(32, 48)]);
    const narrowOverlay = Buffer.concat([Buffer.alloc(10), u16(32, 48, 0, 0)]);
    for (const [type, payload] of [
      ["grid", gridPayload(1, 1, 32, 48)],
      ["grid", wide],
      ["iovl", overlayPayload(32, 48)],
      ["iovl", narrowOverlay],
      ["iden", Buffer.alloc(0)],
    ] as const) {
      const behind = Buffer.concat([payload, Buffer.from("secret")]);
      const sample = heifOf([{ id: 1, type, size: [32, 48], payload: behind, parts: [2] }, tile]);
      const { bytes } = await clean(sample, "image/heic");
      expect([type, leaks(bytes), bytes.includes(payload)]).toEqual([type, false, true]);
    }
  });

  test("HEIF: keeps parts, opacity, depth and further pictures", async () => {
    const grid: HeifItem = {
      id: 1,
      type: "grid",
      size: [60, 40],
      payload: gridPayload(1, 2, 60, 40),
      parts: [2, 3],
    };
    const sample = heifOf([
      grid,
      { id: 2, type: "hvc1", size: [32, 48], payload: codedPicture("tile one"), inData: true },
      // A part that is also a thumbnail of another item.
      {
        id: 3,
        type: "hvc1",
        size: [32, 48],
        payload: codedPicture("tile two"),
        inData: true,
        references: { thmb: [5] },
      },
      { id: 4, type: "hvc1", size: [60, 40], ...payload("opacity"), references: { auxl: [1, 5] } },
      { id: 5, type: "hvc1", size: [60, 40], ...payload("next picture") },
    ]);
    const { bytes } = await clean(sample, "image/heic");
    expect(bytes).toEqual(sample);
  });

  test("HEIF: removes metadata inside JPEG items", async () => {
    const secrets = [
      jpegSegment(0xe1, "Exif\0\0", secretExif(6)),
      jpegSegment(0xfe, "secret comment"),
      jpegSegment(0xe2, "MPF\0secret"),
    ];
    const adobe = jpegSegment(0xee, "Adobe\0\x64\0\0\0\0\x01");
    const photo = Buffer.concat([await jpegWith(...secrets, adobe), Buffer.from("secret tail")]);
    for (const type of ["jpeg", "mime"]) {
      const contentType = type === "mime" ? { contentType: "image/jpeg" } : {};
      const sample = heifOf([{ id: 1, type, size: [48, 32], payload: photo, inData: true, ...contentType }]);
      const { bytes } = await clean(sample, "image/heic");
      expect(leaks(bytes)).toBeFalse();
      expect(bytes).toHaveLength(sample.length);
      const item = bytes.subarray(-photo.length);
      expect(item.includes(adobe)).toBeTrue();
      expect(await pixels(item)).toEqual(await pixels(await jpegWith(adobe)));
    }
  });

  test.each<[string, HeifItem[]]>([
    ["a picture without configuration", [{ id: 1, type: "hvc1", size: [64, 48], ...payload("picture") }]],
    [
      "an AV1 picture without configuration",
      [{ id: 1, type: "av01", size: [64, 48], ...payload("picture") }],
    ],
    ["a picture without data", [{ ...primary, properties: [box("hvcC")] }]],
    ["derived from nothing", [{ id: 1, type: "iden", size: [64, 48], parts: [] }]],
    ["derived from a missing item", [{ id: 1, type: "iden", size: [64, 48], parts: [9] }]],
    [
      "derived from an item without data",
      [
        { id: 1, type: "iden", size: [64, 48], parts: [2] },
        { ...primary, id: 2, properties: [box("hvcC")] },
      ],
    ],
  ])("HEIF: refuses a primary item that is %s", async (_name, items) => {
    expect(await outcome(bareHeifOf(items), "image/heic")).toBe("DAMAGED_MEDIA");
  });

  test("HEIF: cleans a file whose primary item does not exist, and reports no picture", async () => {
    const sample = bareHeifOf([{ ...primary, id: 7, properties: [box("hvcC")], ...payload("") }]);
    sample.writeUInt16BE(1, sample.indexOf("pitm") + 8);
    expect((await clean(sample, "image/heic")).facts).toMatchObject({ hasPicture: false, size: null });
  });

  test.each<[string, string, Buffer, string]>([
    ["a slice", "hvc1", codedPicture("slice"), "cleaned"],
    [
      "a slice after other units",
      "hvc1",
      Buffer.concat([u32(4), Buffer.from("\x4e\x01se"), codedPicture("slice")]),
      "cleaned",
    ],
    ["zeros", "hvc1", Buffer.alloc(500), "DAMAGED_MEDIA"],
    ["a slice beyond its end", "hvc1", codedPicture("slice").subarray(0, -1), "DAMAGED_MEDIA"],
    ["units without a picture", "hvc1", Buffer.concat([u32(4), Buffer.from("\x4e\x01se")]), "DAMAGED_MEDIA"],
    ["an impossible unit", "hvc1", Buffer.concat([u32(4), Buffer.from("\xa8\x01se")]), "DAMAGED_MEDIA"],
    ["too little", "hvc1", Buffer.from("\0\0"), "DAMAGED_MEDIA"],
    ["a frame", "av01", codedPicture("frame", "av01"), "cleaned"],
    ["a frame of open length", "av01", Buffer.from("\x12\0\x30frame"), "cleaned"],
    ["zeros", "av01", Buffer.alloc(500), "DAMAGED_MEDIA"],
    ["a frame beyond its end", "av01", codedPicture("frame", "av01").subarray(0, -1), "DAMAGED_MEDIA"],
    ["an impossible unit", "av01", Buffer.from("\xb2\x05frame", "latin1"), "DAMAGED_MEDIA"],
    ["an endless length", "av01", Buffer.from("\x32" + "\xff".repeat(20), "latin1"), "DAMAGED_MEDIA"],
  ])(
    "HEIF: cleans or refuses a primary picture with %s as its data (%s)",
    async (_name, type, data, expected) => {
      const item: HeifItem = { id: 1, type, size: [64, 48], payload: data, inData: true };
      expect(await outcome(heifOf([item]), "image/heic")).toBe(expected);
    },
  );

  test("HEIF: reports a primary picture outside the data as damaged, and one beyond the end as cut off", async () => {
    const sample = heifOf([primary]);
    const at = sample.indexOf("iloc") + 8 + 4 + 8;
    for (const [offset, expected] of [
      [8, "DAMAGED_MEDIA"],
      [sample.length - 3, "CUT_OFF_MEDIA"],
      [1_000_000, "CUT_OFF_MEDIA"],
    ] as const) {
      const lying = Buffer.from(sample);
      lying.writeUInt32BE(offset, at);
      expect([offset, await outcome(lying, "image/heic")]).toEqual([offset, expected]);
    }
  });
});

describe("sequences of pictures", () => {
  test("HEIF: keeps samples and colours of a sequence besides its items, and removes other data and tracks", async () => {
    const build = (dataOffset: number) => {
      const sample = dataOffset + "picture".length + "secret!".length;
      const entry = pictureEntry("av01", [64, 48], { boxes: [box("colr", "prof", displayProfile())] });
      return heifOf(
        [
          {
            id: 1,
            type: "av01",
            size: [64, 48],
            payload: Buffer.concat([codedPicture("picture", "av01"), Buffer.from("secret!sample1secret2")]),
            inData: true,
          },
        ],
        movie(
          track({ id: 1, handler: "pict", chunks: [sample], sampleBytes: 7, entries: [entry] }),
          track({ id: 2, handler: "meta", chunks: [sample + 7], sampleBytes: 7 }),
        ),
      );
    };
    const sample = build(build(0).indexOf("picturesecret"));
    // Shorten the item, so that data remains after it.
    sample.writeUInt32BE(9, sample.indexOf("iloc") + 8 + 4 + 12);
    const { bytes, facts } = await clean(sample, "image/avif");
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes("picture\0\0\0\0\0\0\0sample1")).toBeTrue();
    const profile = cleanProfileInPlace(displayProfile()) as Buffer<ArrayBuffer>;
    expect(bytes.includes(profile)).toBeTrue();
    expect(facts).toMatchObject({ hasPicture: true, size: { width: 64, height: 48 } });
  });
});

describe("sizes in HEIC and AVIF", () => {
  const tiles = (count: number, size: [number, number] = [512, 512]): HeifItem[] =>
    Array.from({ length: count }, (_, index) => ({ id: 10 + index, type: "hvc1", size }));
  const grid = (payload: Buffer, parts: HeifItem[], size: [number, number] = [1000, 700]) =>
    heifOf([
      { id: 1, type: "grid", size, payload, parts: parts.map(({ id }) => id), turned: true },
      ...parts,
    ]);

  const clap = (...numbers: number[]) => box("clap", u32(...numbers));
  test.each<[string, Buffer[], [number, number]]>([
    ["whole pixels", [clap(60, 1, 40, 1, 0, 1, 0, 1)], [60, 40]],
    ["fractions", [clap(121, 2, 799, 20, 0, 1, 0, 1)], [61, 40]],
    ["then turned", [clap(60, 1, 40, 1, 0, 1, 0, 1), box("irot", "\x01")], [40, 60]],
    ["turned before", [box("irot", "\x01"), clap(40, 1, 60, 1, 0, 1, 0, 1)], [40, 60]],
    ["turned by half", [clap(60, 1, 40, 1, 0, 1, 0, 1), box("irot", "\x02")], [60, 40]],
    ["mirrored", [clap(60, 1, 40, 1, 0, 1, 0, 1), box("imir", "\x01")], [60, 40]],
    ["larger than the picture", [clap(65, 1, 40, 1, 0, 1, 0, 1)], [64, 48]],
    ["empty", [clap(0, 1, 40, 1, 0, 1, 0, 1)], [64, 48]],
    ["divided by zero", [clap(60, 0, 40, 0, 0, 1, 0, 1)], [64, 48]],
  ])("HEIF sizes: report the cropped size of a picture (%s)", async (_name, properties, [width, height]) => {
    const { facts } = await clean(
      heifOf([{ id: 1, type: "hvc1", size: [64, 48], properties }]),
      "image/heic",
    );
    expect(facts.size).toEqual({ width, height });
    expect(facts.decodedPixels).toBe(64 * 48);
  });

  test("HEIF sizes: report the output size of a grid, and the pixels of all tiles", async () => {
    const { facts } = await clean(grid(gridPayload(2, 2, 1000, 700), tiles(4)), "image/heic");
    expect(facts).toMatchObject({ size: { width: 700, height: 1000 }, decodedPixels: 4 * 512 * 512 });
  });

  test("HEIF sizes: refuse a grid that its tiles do not cover, or with a wrong number of tiles", async () => {
    const refused = [
      grid(gridPayload(2, 2, 1025, 700), tiles(4)),
      grid(gridPayload(2, 2, 1000, 1025), tiles(4)),
      grid(gridPayload(2, 2, 70_000, 70_000), tiles(4)),
      grid(gridPayload(2, 2, 1000, 700), tiles(3)),
      grid(gridPayload(256, 256, 1000, 700), tiles(4)),
      grid(gridPayload(2, 2, 0, 700), tiles(4)),
      grid(gridPayload(2, 2, 1000, 700).subarray(0, 6), tiles(4)),
      grid(gridPayload(1, 1, 1000, 700), [{ id: 10, type: "hvc1" }]),
    ];
    for (const sample of refused) expect(await outcome(sample, "image/avif")).toBe("DAMAGED_MEDIA");
  });

  test("HEIF sizes: count the largest item, overlay or sum of grid tiles as decoded pixels", async () => {
    const picture: HeifItem = { id: 1, type: "hvc1", size: [64, 48] };
    const pixels = async (...items: HeifItem[]) =>
      (await clean(heifOf([picture, ...items]), "image/heic")).facts;
    const shown = { size: { width: 64, height: 48 } };
    expect(await pixels()).toMatchObject({ ...shown, decodedPixels: 64 * 48 });
    expect(await pixels({ id: 2, type: "hvc1", size: [20_000, 30_000] })).toMatchObject({
      ...shown,
      decodedPixels: 600_000_000,
    });
    const payload = overlayPayload(80_000, 90_000);
    expect(await pixels({ id: 2, type: "iovl", payload, parts: [1] })).toMatchObject({
      ...shown,
      decodedPixels: 7_200_000_000,
    });
    const large = tiles(4, [20_000, 20_000]);
    const small = gridPayload(2, 2, 10, 10);
    expect(
      await pixels({ id: 2, type: "grid", payload: small, parts: large.map(({ id }) => id) }, ...large),
    ).toMatchObject({ ...shown, decodedPixels: 1_600_000_000 });
  });

  test("HEIF sizes: refuse a picture without pixels", async () => {
    for (const size of [
      [0, 48],
      [64, 0],
    ] as const)
      expect(await outcome(heifOf([{ id: 1, type: "hvc1", size: [...size] }]), "image/heic")).toBe(
        "DAMAGED_MEDIA",
      );
  });

  test("HEIF sizes: count the display size and coded size of a sequence's tracks", async () => {
    const picture: HeifItem = { id: 1, type: "av01", size: [64, 48] };
    const { facts } = await clean(
      heifOf([picture], movie(track({ id: 1, handler: "pict", coded: [40_000, 30_000] }))),
      "image/avif",
    );
    expect(facts).toMatchObject({ size: { width: 64, height: 48 }, decodedPixels: 1_200_000_000 });
  });

  test("HEIF sizes: read only the first meta box, and blank further ones", async () => {
    const sample = heifOf(
      [{ id: 1, type: "hvc1", size: [64, 48] }],
      fullBox("meta", 0, box("free", "secret")),
    );
    const { bytes, facts } = await clean(sample, "image/heic");
    expect(leaks(bytes)).toBeFalse();
    expect(facts.size).toEqual({ width: 64, height: 48 });
  });
});
