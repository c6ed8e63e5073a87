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
/** Of EXIF that says the orientation alone. */
const orientationBytes = 4 + 26;

describe("a HEIC or AVIF", () => {
  test.each(["image/heic", "image/avif"] as const)(
    "loses EXIF and XMP, and keeps its description (%s)",
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

  test("keeps well-formed items: EXIF of the orientation alone, XMP of an empty root", async () => {
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

  test("that was cleaned is not changed once more", async () => {
    const { bytes } = await clean(heic(exif, xmp, picture), "image/heic");
    expect((await clean(bytes, "image/heic")).bytes).toEqual(bytes);
  });

  test("whose EXIF is said to lie outside the data is refused, and so is one that is cut", async () => {
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
  test.each(["prof", "rICC"])(
    "keeps of its colour profile (%s) what colours need, in its place",
    async (type) => {
      const profile = displayProfile();
      const { bytes } = await clean(
        heifOf([{ id: 1, type: "hvc1", size: [64, 48], properties: [box("colr", type, profile)] }]),
        "image/heic",
      );
      expect(leaks(bytes)).toBeFalse();
      expect(colourBox(bytes)).toEqual(
        Buffer.concat([Buffer.from(type), cleanProfileInPlace(profile) as Buffer<ArrayBuffer>]),
      );
    },
  );

  test("keeps colours given as numbers, and loses those that decoders do not know", async () => {
    const numbers = box("colr", "nclx", u16(1, 13, 6), "\x80");
    const secret = [box("colr", "prof", "secret"), box("colr", "xxxx", "secret")];
    const { bytes } = await clean(
      heifOf([{ id: 1, type: "av01", size: [64, 48], properties: [numbers, ...secret] }]),
      "image/avif",
    );
    expect(bytes.includes(numbers)).toBeTrue();
    expect(leaks(bytes)).toBeFalse();
  });

  test("loses properties that only their maker knows, also those that are marked as essential", async () => {
    const unknown = [box("priv", "secret"), box("uuid", "secret")];
    const sample = heifOf([
      { id: 1, type: "hvc1", size: [64, 48], properties: unknown, essential: [box("cryp", "secret")] },
    ]);
    const { bytes } = await clean(sample, "image/heic");
    expect(leaks(bytes)).toBeFalse();
    // The number of each property stays, and so does the mark.
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
    ["hvcC", box("hvcC", Buffer.alloc(21, 1), "\xff\x01\x20", u16(1, 4), "unit")],
    ["av1C", box("av1C", Buffer.alloc(4, 1), "\x0a\x03seq")],
  ])("loses what stands behind the content of a property (%s)", async (_name, property) => {
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

  test("loses reserved bits of a turn, and the name of an unknown auxiliary picture", async () => {
    const withProperties = (...properties: Buffer[]) =>
      heifOf([{ id: 1, type: "hvc1", size: [64, 48], properties }]);
    const sample = withProperties(box("irot", "\xfd"), box("imir", "\xfe"), auxiliary("urn:secret"));
    const { bytes } = await clean(sample, "image/heic");
    expect(bytes).toEqual(
      withProperties(box("irot", "\x01"), box("imir", "\0"), fullBox("auxC", 0, Buffer.alloc(11))),
    );
  });

  /** A HEIC whose `meta` has these boxes in place of its own of the same type, or behind them. */
  const withMeta = (...boxes: Buffer[]) => {
    const item: HeifItem = { id: 1, type: "hvc1", size: [64, 48], payload: codedPicture(), inData: false };
    const sample = heifOf([item]);
    const at = sample.indexOf("meta") - 4;
    const end = at + sample.readUInt32BE(at);
    const meta = box("meta", sample.subarray(at + 8, end), ...boxes);
    return Buffer.concat([sample.subarray(0, at), meta, sample.subarray(end)]);
  };
  test("loses further boxes of each type in its description, and groups that are not known", async () => {
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

  test("loses what its tables hold behind their entries", async () => {
    const sample = heifOf([
      { id: 1, type: "hvc1", size: [64, 48] },
      { id: 2, type: "hvc1", size: [64, 48], references: { auxl: [1] }, contentType: "secret\0secret" },
      { id: 3, type: "mime", contentType: "text/plain\0secret", payload: Buffer.from("x") },
      { id: 4, type: "mime", name: "secret".repeat(500), contentType: "text/plain" },
    ]);
    expect(leaks((await clean(sample, "image/heic")).bytes)).toBeFalse();
    for (const type of ["pitm", "iloc", "ipma", "auxl"]) {
      // The entries end early: there is one less of them.
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

  /** The file with the places of items in its media data so many bytes further. */
  const moved = (heif: Buffer, bytes: number) => {
    const mdat = heif.indexOf("mdat") + 4 - bytes;
    const iloc = heif.indexOf("iloc");
    for (let at = iloc; at < heif.indexOf("mdat"); at++)
      if (heif.readUInt32BE(at) >= mdat && heif.readUInt32BE(at) < heif.length)
        heif.writeUInt32BE(heif.readUInt32BE(at) + bytes, at);
    return heif;
  };

  test("loses the names of its items, vendors' boxes and the places of other files", async () => {
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

  test("loses data that belongs to no picture", async () => {
    const sample = heic(exif, xmp, Buffer.concat([picture, Buffer.from(" secret leftover")]));
    // The picture is shorter than its data.
    const at = sample.indexOf("iloc") + 8 + 2 + 2 + 12;
    sample.writeUInt32BE(picture.length, at);
    const { bytes } = await clean(sample, "image/heic");
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes("coded picture")).toBeTrue();
  });

  test("ends where the last byte that is needed ends, whatever followed", async () => {
    const items: HeifItem[] = [{ id: 1, type: "hvc1", size: [64, 48] }];
    const plain = heifOf(items);
    const film = Buffer.concat([ftyp, box("mdat", "secret film"), movie(track({ id: 1, handler: "vide" }))]);
    for (const tail of [
      [box("mpvd", film)],
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

  test("loses data in other boxes, and indexes of a film that it does not have", async () => {
    const items: HeifItem[] = [{ id: 1, type: "hvc1", size: [64, 48] }];
    const indexes = ["sidx", "ssix", "styp", "mfra", "moof"].map((type) => box(type, "secret"));
    const { bytes } = await clean(heifOf(items, box("imda", "\0\0\0\x01secret"), ...indexes), "image/heic");
    expect(bytes).toEqual(heifOf(items));
  });

  test("keeps a box of data in the form that it has where it becomes shorter", async () => {
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

describe("the pictures in a HEIC or AVIF", () => {
  const primary: HeifItem = { id: 1, type: "hvc1", size: [64, 48] };
  const payload = (text: string) => ({ payload: Buffer.from(text), inData: true });
  const jpegWith = async (...segments: Buffer[]) => withSegments(await plainJpeg(), ...segments);

  test("lose smaller versions, which may show what was cropped or covered later", async () => {
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
    // Nothing that a reader would try to decode.
    const types = [...bytes.toString("latin1").matchAll(/infe\x02.{7}(....)/gs)].map(([, type]) => type);
    expect(types).toEqual(["hvc1", "free", "free", "free", "free", "free", "free", "mime"]);
  });

  test("keep what belongs to them: parts, opacity, depth, and further pictures", async () => {
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
      // A part, though it is a smaller version of something too.
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

  test("lose what JPEGs among them say beside the picture", async () => {
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
    ["without configuration", [{ id: 1, type: "hvc1", size: [64, 48], ...payload("picture") }]],
    ["without configuration (AV1)", [{ id: 1, type: "av01", size: [64, 48], ...payload("picture") }]],
    ["without data", [{ ...primary, properties: [box("hvcC")] }]],
    ["that is not there", [{ ...primary, id: 7, properties: [box("hvcC")], ...payload("") }]],
    ["made of nothing", [{ id: 1, type: "iden", size: [64, 48], parts: [] }]],
    ["made of itself", [{ id: 1, type: "iden", size: [64, 48], parts: [9] }]],
    [
      "made of something without data",
      [
        { id: 1, type: "iden", size: [64, 48], parts: [2] },
        { ...primary, id: 2, properties: [box("hvcC")] },
      ],
    ],
  ])("are damaged where the one to show is %s", async (name, items) => {
    const sample = bareHeifOf(items);
    if (name === "that is not there") sample.writeUInt16BE(1, sample.indexOf("pitm") + 8);
    const expected = name === "that is not there" ? "cleaned" : "DAMAGED_MEDIA";
    expect(await outcome(sample, "image/heic")).toBe(expected);
  });

  test.each<[string, string, Buffer, string]>([
    ["a slice", "hvc1", codedPicture("slice"), "cleaned"],
    [
      "a slice behind other units",
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
  ])("with %s for the data of the one to show (%s)", async (_name, type, data, expected) => {
    const item: HeifItem = { id: 1, type, size: [64, 48], payload: data, inData: true };
    expect(await outcome(heifOf([item]), "image/heic")).toBe(expected);
  });

  test("are damaged where the one to show lies outside the data, and cut off where it lies behind the end", async () => {
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

describe("a sequence of pictures", () => {
  test("keeps its samples beside its items, and colours in its track; other data and tracks go", async () => {
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
    // The item is shorter than its data.
    sample.writeUInt32BE(9, sample.indexOf("iloc") + 8 + 4 + 12);
    const { bytes, facts } = await clean(sample, "image/avif");
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes("picture\0\0\0\0\0\0\0sample1")).toBeTrue();
    const profile = cleanProfileInPlace(displayProfile()) as Buffer<ArrayBuffer>;
    expect(bytes.includes(profile)).toBeTrue();
    expect(facts).toMatchObject({ hasPicture: true, size: { width: 64, height: 48 } });
  });
});

describe("the sizes in a HEIC or AVIF", () => {
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
  ])("of a picture that is cropped (%s)", async (_name, properties, [width, height]) => {
    const { facts } = await clean(
      heifOf([{ id: 1, type: "hvc1", size: [64, 48], properties }]),
      "image/heic",
    );
    expect(facts.size).toEqual({ width, height });
    expect(facts.decodedPixels).toBe(64 * 48);
  });

  test("of a grid: as shown, and the pixels of all its tiles", async () => {
    const { facts } = await clean(grid(gridPayload(2, 2, 1000, 700), tiles(4)), "image/heic");
    expect(facts).toMatchObject({ size: { width: 700, height: 1000 }, decodedPixels: 4 * 512 * 512 });
  });

  test("a grid that its tiles do not cover, or with another number of tiles, is damaged", async () => {
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

  test("the largest counts, of any item, any overlay, and a grid declared smaller than its tiles", async () => {
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

  test("a picture without pixels is damaged", async () => {
    for (const size of [
      [0, 48],
      [64, 0],
    ] as const)
      expect(await outcome(heifOf([{ id: 1, type: "hvc1", size: [...size] }]), "image/heic")).toBe(
        "DAMAGED_MEDIA",
      );
  });

  test("of a sequence: its tracks as shown and as coded count too", async () => {
    const picture: HeifItem = { id: 1, type: "av01", size: [64, 48] };
    const { facts } = await clean(
      heifOf([picture], movie(track({ id: 1, handler: "pict", coded: [40_000, 30_000] }))),
      "image/avif",
    );
    expect(facts).toMatchObject({ size: { width: 64, height: 48 }, decodedPixels: 1_200_000_000 });
  });

  test("only the first description of a file is read, further ones are blanked", async () => {
    const sample = heifOf(
      [{ id: 1, type: "hvc1", size: [64, 48] }],
      fullBox("meta", 0, box("free", "secret")),
    );
    const { bytes, facts } = await clean(sample, "image/heic");
    expect(leaks(bytes)).toBeFalse();
    expect(facts.size).toEqual({ width: 64, height: 48 });
  });
});
