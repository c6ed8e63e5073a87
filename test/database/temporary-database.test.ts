import { expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { withSmallDisk } from "../support/small-disk.ts";

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
      console.log(error.name, error.isFull);
    }
`;

/** Makes all folders read-only in which SQLite would create temporary files, for one program. */
const readOnly = `
  for folder in /tmp /var/tmp /usr/tmp "$TMPDIR"; do
    ! [ -d "$folder" ] || { mount --bind "$folder" "$folder" && mount -o remount,ro,bind "$folder"; } || exit 9
  done
  cd /proc; exec "$@"`;

test("temporary databases: say that no folder of temporary files can be written", async () => {
  const env = { PATH: process.env["PATH"], TMPDIR: tmpdir() };
  const program = ["sh", "-c", readOnly, "sh", process.execPath, "-e", script];
  const child = Bun.spawn(["unshare", "--mount", ...program], { env, stderr: "ignore" });
  const said = await new Response(child.stdout).text();
  if (said === "") return console.log("skipped: the test of read-only folders needs the right to mount them");
  expect(said).toBe("TemporaryFilesError false\nTemporaryFilesError false\n");
}, 60_000);

test("temporary databases: say that the folder of temporary files is full", async () => {
  await withSmallDisk(async (disk) => {
    const env = { PATH: process.env["PATH"], SQLITE_TMPDIR: disk };
    const child = Bun.spawn([process.execPath, "-e", script], { env, stderr: "inherit" });
    expect(await new Response(child.stdout).text()).toBe(
      "TemporaryFilesError true\nTemporaryFilesError true\n",
    );
  });
}, 60_000);
