import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const source = join(import.meta.dir, "../../src/database");

/** Writes to temporary databases until one fails, and prints what they throw. */
const script = `
  const { createSeenTexts } = await import(${JSON.stringify(join(source, "seen-texts.ts"))});
  const { createFileIndex } = await import(${JSON.stringify(join(source, "file-index.ts"))});
  const seen = createSeenTexts();
  const files = createFileIndex();
  const name = "photo".repeat(20);
  for (const write of [(i) => seen.add(name + i), (i) => files.add([{ path: name + i }])])
    try {
      for (let i = 0; ; i++) write(i);
    } catch (error) {
      console.log(error.name);
    }
`;

test("temporary databases: say that the folder of temporary files is full", async () => {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-temporary-"));
  const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]).success;
  try {
    if (!mounted) return console.log("skipped: the test of a full disk needs the right to mount one");
    const env = { PATH: process.env["PATH"], SQLITE_TMPDIR: folder };
    const child = Bun.spawn([process.execPath, "-e", script], { env, stderr: "inherit" });
    expect(await new Response(child.stdout).text()).toBe("TemporaryFolderFull\nTemporaryFolderFull\n");
  } finally {
    if (mounted) Bun.spawnSync(["umount", "-l", folder]);
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);
