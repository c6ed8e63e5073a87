import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { removeMetadata, type CleanMedia } from "../../src/metadata/remove-metadata.ts";
import type { MediaType } from "../../src/media-types.ts";
import { leaks } from "./cleaning.ts";
import { riffChunk, riffFile, vp8x } from "./photo-samples.ts";

// Samples by widely used encoders, checked with independent tools. The other tests of this folder cover the same rules
// if the tools are missing.
const missing = ["exiftool", "ffmpeg"].filter((tool) => !Bun.which(tool));
const heifEncoder = Bun.which("heif-enc");

let folder = "";

async function run(command: string[]): Promise<string> {
  return (await bytesFrom(command)).toString();
}

async function bytesFrom(command: string[]): Promise<Buffer> {
  const child = Bun.spawn(command, { cwd: folder, stdout: "pipe", stderr: "pipe" });
  const [output, errorOutput] = await Promise.all([
    Bun.readableStreamToBytes(child.stdout),
    Bun.readableStreamToText(child.stderr),
  ]);
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}: ${errorOutput}`);
  return Buffer.from(output);
}

const picture = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=5:d=1"];
const ffmpeg = (...options: string[]) => run(["ffmpeg", "-v", "error", "-y", ...options]);
const tags = [
  ["Orientation#=6", "GPSLatitude=52.5", "GPSLatitudeRef=N", "GPSLongitude=13.4", "GPSLongitudeRef=E"],
  ["SerialNumber=secret-serial", "OwnerName=secret-owner", "Artist=secret", "UserComment=secret"],
  ["XMP:Creator=secret", "IPTC:Keywords=secret", "Comment=secret", "DateTimeOriginal=2020:01:02 03:04:05"],
].flat();
const titles = ["title", "comment", "artist"].flatMap((key) => ["-metadata", `${key}=secret`]);
const place = ["-metadata", "location=+52.5000+013.4000/", "-metadata", "creation_time=2020-01-02T03:04:05Z"];

/** Type and encoder command of each sample by name. */
const samples: Record<string, [MediaType, (name: string) => Promise<unknown>]> = {
  "plain.jpg": ["image/jpeg", async (name) => ffmpeg(...picture, "-frames:v", "1", name)],
  "tagged.jpg": ["image/jpeg", async (name) => exiftool("plain.jpg", name, "-ThumbnailImage<=plain.jpg")],
  "tagged.png": [
    "image/png",
    async (name) => {
      await ffmpeg(...picture, "-frames:v", "1", "plain.png");
      await exiftool("plain.png", name, "-api", "Compress=1", `-PNG:Title=${"secret ".repeat(50)}`);
    },
  ],
  "moving.png": ["image/png", async (name) => ffmpeg(...picture, "-f", "apng", name)],
  "moving.gif": [
    "image/gif",
    async (name) => {
      await ffmpeg(...picture, "plain.gif");
      await run(["exiftool", "-q", "-XMP:Creator=secret", "-Comment=secret", "-o", name, "plain.gif"]);
    },
  ],
  "tagged.webp": ["image/webp", async (name) => webp(name, [])],
  "lossless.webp": ["image/webp", async (name) => webp(name, ["-lossless", "1"])],
  ...Object.fromEntries(
    (
      [
        ["video.mp4", "video/mp4", []],
        ["fast.mp4", "video/mp4", ["-movflags", "faststart"]],
        ["fragments.mp4", "video/mp4", ["-movflags", "frag_keyframe+empty_moov", "-g", "2"]],
        ["video.mov", "video/quicktime", ["-timecode", "01:02:03:04"]],
        [
          "keys.mov",
          "video/quicktime",
          [
            ..."-movflags use_metadata_tags -metadata".split(" "),
            "com.apple.quicktime.location.ISO6709=secret",
          ],
        ],
        ["video.3gp", "video/3gpp", []],
        ["video.mkv", "video/matroska", []],
        ["video.avi", "video/x-msvideo", []],
      ] as const
    ).map(([name, type, options]) => [
      name,
      [
        type,
        async () => ffmpeg(...picture, "-c:v", "mpeg4", ...titles, ...place, ...options, name),
      ] satisfies (typeof samples)[string],
    ]),
  ),
  "subtitled.mp4": [
    "video/mp4",
    async (name) => {
      await Bun.write(join(folder, "drone.srt"), "1\n00:00:00,000 --> 00:00:00,900\nGPS(13.4,52.5) secret\n");
      await ffmpeg("-i", "video.mp4", "-i", "drone.srt", "-map", "0", "-map", "1", "-c:s", "mov_text", name);
    },
  ],
  "video.webm": [
    "video/webm",
    async (name) => ffmpeg(...picture, "-c:v", "libvpx", "-deadline", "realtime", ...titles, ...place, name),
  ],
  ...Object.fromEntries(
    (
      [
        ["video.mpg", "mpeg", "mpeg1video"],
        ["dvd.mpg", "dvd", "mpeg2video"],
        ["svcd.mpg", "svcd", "mpeg2video"],
        ["stream-1.mpg", "mpeg1video", "mpeg1video"],
        ["stream-2.mpg", "mpeg2video", "mpeg2video"],
      ] as const
    ).map(([name, format, codec]) => [
      name,
      [
        "video/mpeg",
        async () => ffmpeg(...picture, "-r", "25", "-c:v", codec, "-f", format, name),
      ] satisfies (typeof samples)[string],
    ]),
  ),
};
const tone = ["-f", "lavfi", "-i", "sine=d=1:r=48000"];
const mpeg4 = ["-c:v", "mpeg4"];
const fragments = "frag_keyframe+empty_moov";
/** Unusual but valid layouts that ffmpeg can write. */
const layouts: Record<string, [MediaType, string[]]> = {
  "sounds.mp4": ["video/mp4", ["-map", "0", "-map", "1", "-map", "1", ...mpeg4, "-c:a", "aac"]],
  "hints.mp4": ["video/mp4", [...mpeg4, "-c:a", "aac", "-movflags", "rtphint"]],
  "protected.mp4": [
    "video/mp4",
    [
      ...mpeg4,
      "-encryption_scheme",
      "cenc-aes-ctr",
      "-encryption_key",
      "0".repeat(32),
      "-encryption_kid",
      "1".repeat(32),
    ],
  ],
  "h264.mp4": ["video/mp4", ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"]],
  "jpeg.mp4": ["video/mp4", ["-c:v", "mjpeg", "-c:a", "aac"]],
  ...Object.fromEntries(
    ["", "+default_base_moof", "+separate_moof", "+omit_tfhd_offset", "+dash+global_sidx"].map(
      (flags, index) => [
        `fragments-${index}.mp4`,
        ["video/mp4", [...mpeg4, "-g", "2", "-c:a", "aac", "-movflags", fragments + flags]],
      ],
    ),
  ),
  "smooth.mp4": [
    "video/mp4",
    [...mpeg4, "-g", "2", "-c:a", "aac", "-movflags", "isml+frag_keyframe", "-f", "ismv"],
  ],
  "cmaf.mp4": ["video/mp4", [...mpeg4, "-g", "2", "-c:a", "aac", "-movflags", "cmaf+frag_keyframe"]],
  "every-frame.mp4": ["video/mp4", [...mpeg4, "-c:a", "aac", "-movflags", "frag_every_frame+empty_moov"]],
  ...Object.fromEntries(
    (
      [
        ["prores", "prores_ks", "pcm_s24le"],
        ["jpeg", "mjpeg", "pcm_u8"],
        ["animation", "qtrle", "pcm_s16be"],
        ["raw", "rawvideo", "adpcm_ima_qt"],
        ["mpeg4", "mpeg4", "alac"],
        ["mpeg2", "mpeg2video", "pcm_mulaw"],
      ] as const
    ).map(([name, video, audio]) => [
      `${name}.mov`,
      ["video/quicktime", ["-r", "25", "-c:v", video, "-c:a", audio]],
    ]),
  ),
  "jpeg.avi": ["video/x-msvideo", ["-c:v", "mjpeg", "-c:a", "pcm_s16le"]],
  "sounds.avi": ["video/x-msvideo", ["-map", "0", "-map", "1", "-map", "1", ...mpeg4, "-c:a", "mp3"]],
  "h264.avi": ["video/x-msvideo", ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "mp3"]],
  "live.mkv": ["video/matroska", [...mpeg4, "-c:a", "flac", "-live", "1"]],
  "jpeg.mkv": ["video/matroska", ["-c:v", "mjpeg", "-c:a", "pcm_s16le"]],
  "index-first.mkv": ["video/matroska", [...mpeg4, "-c:a", "aac", "-reserve_index_space", "1000"]],
  "h264.mkv": ["video/matroska", ["-c:v", "libx264", "-x264-params", "aud=1:pic-struct=1", "-c:a", "flac"]],
  "hevc.mkv": ["video/matroska", ["-c:v", "libx265", "-c:a", "flac"]],
  "theora.mkv": ["video/matroska", ["-c:v", "libtheora", "-c:a", "libvorbis"]],
  "png.mkv": ["video/matroska", ["-c:v", "png", "-c:a", "pcm_s16le"]],
  "png.avi": ["video/x-msvideo", ["-c:v", "png", "-c:a", "pcm_s16le"]],
  "ac3.mpg": ["video/mpeg", ["-r", "25", "-c:v", "mpeg2video", "-c:a", "ac3", "-f", "vob"]],
};
/** Makes all of them by one process: starting ffmpeg takes longer than encoding a sample. */
const makeLayouts = () =>
  ffmpeg(
    ...[...picture, ...tone],
    ...Object.entries(layouts).flatMap(([name, [, options]]) => [...options, ...titles, ...place, name]),
  );
samples["dv.mov"] = [
  "video/quicktime",
  async (name) => {
    const dv = ["-s", "720x576", "-r", "25", "-c:v", "dvvideo", "-pix_fmt", "yuv420p", "-ac", "2"];
    await ffmpeg(...picture, ...tone, ...dv, "-aspect", "16:9", ...place, "camera.dv");
    await ffmpeg("-i", "camera.dv", "-c", "copy", "-f", "mov", name);
  },
];
samples["subtitled.mkv"] = [
  "video/matroska",
  async (name) => {
    const maps = ["-map", "0", "-map", "1", "-c", "copy", "-c:s"];
    await ffmpeg("-i", "video.mkv", "-i", "drone.srt", ...maps, "srt", name);
  },
];
if (heifEncoder) {
  samples["tagged.heic"] = ["image/heic", async (name) => run([heifEncoder, "tagged.jpg", "-o", name])];
  samples["tagged.avif"] = ["image/avif", async (name) => run([heifEncoder, "-A", "tagged.jpg", "-o", name])];
}

/** The types of all samples. */
const types = new Map(
  Object.entries({ ...samples, ...layouts }).map(([name, [type]]): [string, MediaType] => [name, type]),
);
const names = [...types.keys()];

async function exiftool(from: string, to: string, ...more: string[]): Promise<void> {
  await run(["exiftool", "-q", "-m", ...tags.map((tag) => `-${tag}`), ...more, "-o", to, from]);
}

async function webp(name: string, options: string[]): Promise<void> {
  await ffmpeg("-i", "plain.jpg", "-c:v", "libwebp", ...options, `plain-${name}`);
  const chunk = async (option: string) => bytesFrom(["exiftool", "-b", option, "tagged.jpg"]);
  const image = Buffer.from(await Bun.file(join(folder, `plain-${name}`)).bytes());
  const plain = image.subarray(image.toString("latin1", 12, 16) === "VP8X" ? 30 : 12);
  const exif = riffChunk("EXIF", await chunk("-Exif"));
  const file = riffFile("WEBP", vp8x(0x0c, 64, 48), plain, exif, riffChunk("XMP ", await chunk("-XMP")));
  await Bun.write(join(folder, name), file);
}

/** Checksums of all decoded frames of these files, each as {@link decoded}. Only the HEIF tool decodes HEIF pictures. */
async function frames(...files: string[]): Promise<string[]> {
  const plain = files.map(async (name) => {
    if (!/heic|avif/.test(name)) return name;
    await run(["heif-convert", name, `${name}.png`]);
    return `${name}.png`;
  });
  return decoded(await Promise.all(plain));
}

/** Checksums of all decoded frames of picture and sound, one per line, for each of the files. */
async function decoded(files: string[]): Promise<string[]> {
  const keyOf = (name: string) => (name.includes("protected") ? ["-decryption_key", "0".repeat(32)] : []);
  await ffmpeg(
    ...files.flatMap((name) => ["-noautorotate", ...keyOf(name), "-i", name]),
    ...files.flatMap((name, index) => [
      ...["-map", `${index}:v`, "-map", `${index}:a?`],
      ...["-f", "framemd5", `${name}.frames`],
    ]),
  );
  const hashes = await Promise.all(files.map((name) => Bun.file(join(folder, `${name}.frames`)).text()));
  for (const lines of hashes) expect(lines).toMatch(/^0, /m);
  return hashes;
}

/** Tag groups of exiftool for properties of the format and the file. */
const harmless =
  /^(SourceFile|(ExifTool|File|Composite|JFIF|PNG|PNG-pHYs|GIF|RIFF|QuickTime|Track\d|Matroska|Meta|MPEG):)/;
const telling = /secret|2020:|52[.:° ]|Lavf/i;

describe.skipIf(missing.length > 0)(`samples of real tools (needs exiftool and ffmpeg)`, () => {
  const results: Record<string, CleanMedia> = {};
  let judged: Record<string, unknown>[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "image-sharing-tools-"));
    await makeLayouts();
    for (const [name, [, make]] of Object.entries(samples)) await make(name);
    for (const [name, type] of types) {
      await copyFile(join(folder, name), join(folder, `clean-${name}`));
      results[name] = await removeMetadata(join(folder, `clean-${name}`), type);
    }
    const files = names.map((name) => `clean-${name}`);
    // Without file system properties: once an hour the file times contain the numbers of the position.
    const options = ["-j", "-G1", "-a", "-ee", "-u", "--System:all"];
    judged = JSON.parse(await run(["exiftool", ...options, ...files])) as typeof judged;
  }, 180_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(names)("real tools: exiftool finds only the orientation in %s", async (name) => {
    const found = judged.find(({ SourceFile }) => SourceFile === `clean-${name}`) ?? {};
    expect(Object.keys(found).length).toBeGreaterThan(5);
    const left = Object.entries(found).filter(
      ([tag, value]) => (!harmless.test(tag) && tag !== "IFD0:Orientation") || telling.test(String(value)),
    );
    expect(left).toEqual([]);
    // The orientation of a WebP is removed, because browsers ignore it.
    const isTurned = name.startsWith("tagged") && !name.endsWith(".webp");
    expect(String(found["IFD0:Orientation"])).toBe(isTurned ? "Rotate 90 CW" : "undefined");
    expect(leaks(Buffer.from(await Bun.file(join(folder, `clean-${name}`)).bytes()))).toBeFalse();
  });

  test.each(names)("real tools: %s keeps its frames and grows by at most 1 kB", async (name) => {
    const [shown, expected] = await frames(`clean-${name}`, name);
    expect(shown).toBe(expected!);
    const [before, after] = [Bun.file(join(folder, name)).size, Bun.file(join(folder, `clean-${name}`)).size];
    expect(after - before).toBeLessThanOrEqual(1024);
    expect(results[name]).toMatchObject({ bytes: after, hasPicture: true });
    // The tiles of a HEIC are larger than the picture.
    const pixels: Record<string, number> = { "tagged.heic": 64 * 64, "dv.mov": 1024 * 576 };
    expect(results[name]?.decodedPixels).toBe(pixels[name] ?? 64 * 48);
  });

  test("real tools: ffmpeg finds no recording date in DV, and the same aspect ratio", async () => {
    const datesIn = async (name: string) => {
      await ffmpeg("-i", name, "-map", "0:v", "-c", "copy", "-f", "rawvideo", `${name}.dv`);
      return run(["exiftool", "-s", "-DateTimeOriginal", `${name}.dv`]);
    };
    expect(await datesIn("dv.mov")).toContain("2020:01:02");
    expect(await datesIn("clean-dv.mov")).toBe("");
    expect(results["dv.mov"]?.size).toEqual({ width: 1024, height: 576 });
  });

  test.each([
    "live.mkv",
    "video.mkv",
    "fragments-0.mp4",
    "fragments-1.mp4",
    "cmaf.mp4",
    "jpeg.avi",
    "sounds.avi",
  ])("real tools: an interrupted recording of %s keeps its frames", async (name) => {
    const linesOf = async (file: string, stream: string) =>
      (await ffmpeg("-i", file, "-map", stream, "-f", "framemd5", "-"))
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"))
        .map((line) => line.split(",").at(-1)?.trim());
    const whole = await Bun.file(join(folder, name)).bytes();
    const all = await linesOf(name, "0:v");
    for (const part of [0.6, 0.75, 0.9]) {
      const path = join(folder, `stopped-${name}`);
      await Bun.write(path, whole.subarray(0, Math.floor(whole.length * part)));
      await removeMetadata(path, types.get(name) ?? "video/mp4");
      const shown = await linesOf(`stopped-${name}`, "0:v");
      expect(shown.length).toBeGreaterThan(0);
      expect(shown).toEqual(all.slice(0, shown.length));
    }
  });
});
