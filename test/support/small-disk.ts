import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs a test with a disk of 64 kB. Skips it, and says so, without the right to mount one. */
export async function withSmallDisk(run: (disk: string) => Promise<void>): Promise<void> {
  const disk = await mkdtemp(join(tmpdir(), "image-sharing-disk-"));
  const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]).success;
  try {
    if (mounted) await run(disk);
    else console.log("skipped: the test of a full disk needs the right to mount one");
  } finally {
    // Lazily, because SQLite closes its files only when its statements are garbage-collected.
    if (mounted) Bun.spawnSync(["umount", "-l", disk]);
    await rm(disk, { recursive: true });
  }
}
