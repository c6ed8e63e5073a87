import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { manifestBytes, readManifest, type ManifestFile } from "../../src/backup/manifest.ts";
import { DamagedArchive, TarWriter } from "../../src/backup/tar.ts";
import { readTar } from "../support/tar.ts";

const sha256 = "0".repeat(64);
const head = { version: "0.1.0", made: "2026-01-01" };
const file = { file: "media/x.png", size: 1, sha256 };

/** Reads this text as a manifest, in chunks of this size. */
async function read(text: string, chunkBytes = 1 << 20) {
  const bytes = Buffer.from(text);
  const files: ManifestFile[] = [];
  async function* content() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }
  const entry = { name: "manifest.jsonl", size: bytes.length, start: 0, content };
  const manifest = await readManifest(entry, 0, (listed) => files.push(listed));
  return { manifest, files };
}

const lines = (...values: unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");

describe("manifest", () => {
  test("manifest: reads what was written, in chunks of any size, with a checksum of its text", async () => {
    const manifest = { ...head, archives: [{ archive: "Grüße 1.tar", manifest: sha256 }] };
    const files = [
      { name: "media/a.png", size: 3, sha256, archive: 0 },
      { name: "image-sharing.db", size: 5, sha256, archive: null },
    ];
    const text = Buffer.concat(await Array.fromAsync(manifestBytes(manifest, files))).toString();
    for (const chunkBytes of [1, 7, 1000]) {
      const found = await read(text, chunkBytes);
      expect(found.files).toEqual(files);
      expect(found.manifest).toEqual({
        ...manifest,
        sha256: new Bun.CryptoHasher("sha256").update(text).digest("hex"),
      });
    }
  });

  test.each<[string, string]>([
    ["nothing", ""],
    ["no head", lines(file)],
    ["a version that is none", lines({ ...head, version: "newest" })],
    ["a version with control characters", lines({ ...head, version: "9.0.0\x1b[31m" })],
    ["a version with a number that is too large", lines({ ...head, version: `${"9".repeat(20)}.0.0` })],
    ["no JSON", `${lines(head)}{\n`],
    ["an unfinished line", lines(head, file).trimEnd()],
    ["an endless line", `${lines(head)}${" ".repeat(1 << 16)}`],
    ["zeros", "\0".repeat(1 << 16)],
    ["a second head", lines(head, head)],
    ["a list", lines(head, [file])],
    ["a file without a checksum", lines(head, { file: "media/x.png", size: 1 })],
    ["a negative size", lines(head, { ...file, size: -1 })],
    ["a name that is too long", lines(head, { ...file, file: "x".repeat(101) })],
    ["a file in an archive that it does not name", lines(head, { ...file, in: 0 })],
    ["an archive after the files", lines(head, file, { archive: "a.tar", manifest: sha256 })],
    ["too many archives", lines(head, ...Array(101).fill({ archive: "a.tar", manifest: sha256 }))],
    ...["../a.tar", "/etc/passwd", "a\\b.tar", "..", ".", "", "a\0b", "a\x1b[31m.tar", "x".repeat(256)].map(
      (archive): [string, string] => [
        `an archive called ${JSON.stringify(archive).slice(0, 20)}`,
        lines(head, { archive, manifest: sha256 }),
      ],
    ),
  ])("manifest: rejects one that holds %s", async (_, text) => {
    expect(await read(text).catch((error: unknown) => error)).toBeInstanceOf(DamagedArchive);
  });
});

describe("tar", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "image-sharing-tar-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test("tar: a file whose source fails leaves no trace, and can be added again", async () => {
    const path = join(folder, "a.tar");
    const file = await open(path, "wx+");
    const writer = new TarWriter(file);
    async function* source(bytes: number, fails = false) {
      for (let at = 0; at < bytes; at += 100) yield Buffer.alloc(Math.min(100, bytes - at), "x");
      if (fails) throw new Error("lost");
    }
    await writer.add("first", source(700));
    await expect(writer.add("second", source(9000, true))).rejects.toThrow("lost");
    expect(await writer.add("second", source(600))).toMatchObject({ size: 600 });
    // The last one fails too, and is left out.
    expect(await writer.add("third", source(5000, true)).catch(String)).toContain("lost");
    await writer.finish();
    await file.close();
    const found = [];
    for await (const { name, size, content } of readTar(path)) {
      const bytes = Buffer.concat(await Array.fromAsync(content()));
      found.push([name, size, bytes.equals(Buffer.alloc(size, "x"))]);
    }
    expect(found).toEqual([
      ["first", 700, true],
      ["second", 600, true],
    ]);
    expect(Bun.file(path).size).toBe(512 + 1024 + 512 + 1024 + 1024);
  });
});
