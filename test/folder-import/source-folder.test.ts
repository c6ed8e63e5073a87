import { afterEach, beforeEach, expect, test } from "bun:test";
import { closeSync, type Stats } from "node:fs";
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { SourceError, SourceFolder } from "../../src/folder-import/source-folder.ts";
import { stageFile } from "../../src/folder-import/staging.ts";
import type { UploadServices } from "../../src/uploads/upload-parser.ts";
import { pngPhoto } from "../support/media-samples.ts";

let root: string;
let tempDir: string;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "image-sharing-source-")));
  await chmod(root, 0o755);
  tempDir = join(root, "temp");
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Any user but root, who may read everything. */
const anyUser = 54_321;

function withoutRights<T>(work: () => T): T {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.(anyUser);
  try {
    return work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

const messageOf = (found: unknown) => (found instanceof SourceError ? found.message : found);

test("source folder: says which files and folders may not be read", async () => {
  await mkdir(join(root, "folder"), { mode: 0 });
  await writeFile(join(root, "a.png"), "x", { mode: 0 });
  const source = new SourceFolder(root, withoutRights);
  const problem = "It may not be read by this user (EACCES).";
  expect(() => source.list("folder")).toThrow(problem);
  expect(source.open(["a.png"]).map(messageOf)).toEqual([problem]);
  expect(source.inspect(["folder/b.png", "gone.png"]).map(messageOf)).toEqual([
    problem,
    "It is gone, or its name is not valid UTF-8.",
  ]);
  expect(source.readStart("a.png", new Uint8Array(4))).toBe(0);
  expect(() => source.readText("a.png", 100)).toThrow(problem);
  await chmod(join(root, "folder"), 0o700);
});

test("source folder: does not follow links, nor those that replace a folder on the way", async () => {
  await mkdir(join(root, "outside"));
  await writeFile(join(root, "outside/a.png"), "secret");
  await mkdir(join(root, "source"));
  await symlink(join(root, "outside"), join(root, "source/folder"));
  await symlink(join(root, "outside/a.png"), join(root, "source/a.png"));
  const source = new SourceFolder(join(root, "source"), (work) => work());
  expect((source.inspect(["a.png"]) as Stats[]).map((facts) => facts.isSymbolicLink())).toEqual([true]);
  expect(source.open(["a.png"]).map(messageOf)).toEqual(["It cannot be read (ELOOP)."]);
  if (process.platform !== "linux") return;
  expect(source.open(["folder/a.png"]).map(messageOf)).toEqual(["It is not a file any more."]);
  expect(() => source.readText("folder/a.png", 100)).toThrow(SourceError);
});

test("source folder: rejects a text that is too large", async () => {
  await writeFile(join(root, "a.json"), "12345");
  const source = new SourceFolder(root, (work) => work());
  expect(source.readText("a.json", 5)).toBe("12345");
  expect(() => source.readText("a.json", 4)).toThrow("It is too large.");
});

/** The services of a file's way into a temp file. @param received called when a part of the file was copied */
const services = (received: () => Promise<void>) =>
  ({
    config: { maxImageSize: 10e6, maxVideoSize: 10e6, uploadsPerAccount: 1 },
    rewrapUpload: undefined,
    space: { claim: async () => ({ received, release: () => {} }) },
    tempDir,
  }) as unknown as UploadServices;

test.each([
  ["is changed", async (path: string) => appendFile(path, "more")],
  ["stays as it is", async () => {}],
])("staging: of a file that %s while it is read, every byte or none is taken", async (what, change) => {
  const path = join(root, "a.png");
  const content = Buffer.concat([await pngPhoto(), Buffer.alloc(2_500_000, 7)]);
  await writeFile(path, content);
  const [descriptor] = new SourceFolder(root, (work) => work()).open(["a.png"]) as [number];
  try {
    const staging = stageFile(
      services(() => change(path)),
      { path: "a.png", descriptor },
      "ada",
      new AbortController().signal,
    );
    if (what === "is changed") {
      await expect(staging).rejects.toThrow("It was changed while it was read.");
      expect(await readdir(tempDir)).toEqual([]);
    } else {
      const { file, facts } = await staging;
      expect(facts).toMatchObject({ type: "image/png", kind: "image", displayName: "a.png" });
      expect(facts.sha256).toBe(new Bun.CryptoHasher("sha256").update(content).digest("hex"));
      expect(Buffer.from(await file.arrayBuffer()).equals(content)).toBeTrue();
    }
  } finally {
    closeSync(descriptor);
  }
});

test("staging: an interruption ends it and leaves no temp file", async () => {
  await writeFile(join(root, "a.png"), Buffer.concat([await pngPhoto(), Buffer.alloc(2_500_000, 7)]));
  const [descriptor] = new SourceFolder(root, (work) => work()).open(["a.png"]) as [number];
  const interruption = new AbortController();
  const staging = stageFile(
    services(async () => interruption.abort("SIGINT")),
    { path: "a.png", descriptor },
    "ada",
    interruption.signal,
  );
  await expect(staging.catch(String)).resolves.toBe("SIGINT");
  expect(await readdir(tempDir)).toEqual([]);
  closeSync(descriptor);
});
