import { afterAll, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = await mkdtemp(join(tmpdir(), "image-sharing-release-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

test("release: without network access, builds for this platform and names the others", async () => {
  const closedProxy = "http://127.0.0.1:9";
  const release = Bun.spawn(
    [process.execPath, join(import.meta.dir, "../../src/build/build.ts"), "--release", "--outdir", folder],
    {
      env: {
        PATH: process.env["PATH"],
        HTTPS_PROXY: closedProxy,
        HTTP_PROXY: closedProxy,
        // No cached runtime of an earlier release.
        BUN_INSTALL_CACHE_DIR: join(folder, "cache"),
      },
      stdout: "ignore",
      stderr: "pipe",
    },
  );
  const told = await new Response(release.stderr).text();
  expect(await release.exited).toBe(1);
  const [, missing = ""] = /^Not built: (.*)\.$/m.exec(told) ?? [];
  expect(missing.split(", ")).toContain("windows-x64");

  const [, sum, name = ""] = /^(\w+)  (.+)\n$/.exec(await Bun.file(join(folder, "SHA256SUMS")).text()) ?? [];
  expect(name).toStartWith(`image-sharing-${process.platform}-${process.arch}`);
  const bytes = await Bun.file(join(folder, name)).bytes();
  expect(sum).toBe(Bun.CryptoHasher.hash("sha256", bytes, "hex"));
  expect(await readdir(folder)).toContain("CHANGES.md");
}, 60_000);
