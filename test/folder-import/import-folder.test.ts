import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm, symlink, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { Database } from "bun:sqlite";

import { readableSize } from "../../src/readable-size.ts";
import { heicPhoto, jpegPhoto, mp4Video, pngPhoto } from "../support/media-samples.ts";
import { databaseSettings, onPostgres } from "../support/postgres.ts";
import { command, ServiceProcess } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(300_000);

// For more kills: CRASH_KILLS=10 bun test test/folder-import
const maxKills = Number(process.env["CRASH_KILLS"] ?? 3);

const email = "ada@example.com";

/** For what does not depend on the database. */
const onlySqlite = test.skipIf(onPostgres);

interface Shared {
  id: string;
  caption: string;
  file_name: string;
  url: string;
}

let folder: string;
let source: string;
let service: ServiceProcess;
let token: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-folder-"));
  source = join(folder, "source");
  await mkdir(source);
  service = new ServiceProcess(join(folder, "data"));
  await service.start();
  token = await service.signUp(email);
});
afterEach(async () => {
  await service.kill();
  await rm(folder, { recursive: true, force: true });
});

async function put(name: string, content: Uint8Array<ArrayBuffer> | string, year = 2020): Promise<void> {
  const path = join(source, name);
  await mkdir(dirname(path), { recursive: true });
  await Bun.write(path, content);
  await utimes(path, new Date(year, 0), new Date(year, 0));
}

/** Photos in the order of their names, of which no two are the same; at most 60. */
async function putPhotos(count: number): Promise<void> {
  for (let i = 0; i < count; i++)
    await put(`${count - i}/2019-01-01 10.${String(i).padStart(2, "0")}.00.png`, await pngPhoto(10 + i, 10));
}

const start = (args: string[] = [], environment: Record<string, string> = {}) =>
  startCommand([source, "--for", email, ...args], environment);

async function startCommand(args: string[], environment: Record<string, string> = {}) {
  return Bun.spawn([...command, "import-folder", ...args], {
    env: {
      PATH: process.env["PATH"],
      DATA_DIR: service.dataDir,
      FFMPEG: "off",
      ...(await databaseSettings(service.dataDir)),
      ...environment,
    },
    cwd: folder,
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function outcomeOf(child: Awaited<ReturnType<typeof startCommand>>) {
  const [out, error] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { out, error, status: await child.exited };
}

const importFolder = async (args: string[] = [], environment: Record<string, string> = {}) =>
  outcomeOf(await start(args, environment));

/** All posts, oldest first. */
async function posts(): Promise<Shared[]> {
  const found: Shared[] = [];
  for (let cursor = ""; ;) {
    const answer = await service.fetch(`/feed?limit=100${cursor}`, { token });
    const page = (await answer.json()) as { posts: Shared[]; next_cursor: string | null };
    found.push(...page.posts);
    if (page.next_cursor === null) return found.reverse();
    cursor = `&cursor=${page.next_cursor}`;
  }
}
const names = async () => (await posts()).map(({ file_name }) => file_name);

const mediaFiles = async () =>
  (await readdir(join(service.dataDir, "media"), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

/** A JPEG with the time at which it was taken. */
async function takenPhoto(time: string): Promise<Uint8Array<ArrayBuffer>> {
  const tiff = Buffer.alloc(64);
  tiff.write("MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x1a", "latin1");
  tiff.write("\0\x01\x90\x03\0\x02\0\0\0\x14\0\0\0\x2c", 26, "latin1");
  tiff.write(time, 44, "latin1");
  const exif = Buffer.concat([Buffer.from("\xff\xe1\0\x48Exif\0\0", "latin1"), tiff]);
  const photo = await jpegPhoto(40, 30);
  return new Uint8Array(Buffer.concat([photo.subarray(0, 2), exif, photo.subarray(2)]));
}

onlySqlite("import-folder --dry-run: leaves a database of an older version as it is", async () => {
  await service.kill();
  const path = join(service.dataDir, "image-sharing.db");
  const database = new Database(path);
  database.run("delete from migrations where tag like '0005%'");
  const before = Bun.hash(database.serialize());
  await put("a.png", await pngPhoto());
  expect(await importFolder(["--dry-run"])).toMatchObject({
    status: 1,
    out: "",
    error: expect.stringContaining(
      "is of an older version of this program. Start this version of the service once",
    ),
  });
  expect(Bun.hash(database.serialize())).toBe(before);
  database.close();
});

test("import-folder: publishes photos and videos in the order in which they were taken, beside a running service", async () => {
  await put("d.png", await pngPhoto(), 2014);
  await put("Photos from 2012/c.heic", heicPhoto(), 2024);
  await put(
    "Photos from 2012/c.heic.supplemental-metadata.json",
    JSON.stringify({ description: "At the lake", photoTakenTime: { timestamp: "1340000000" } }),
  );
  await put("Album/a copy.heic", heicPhoto(), 2024);
  await put("Album/a copy.heic.json", JSON.stringify({ photoTakenTime: { timestamp: "1340000000" } }));
  await put("Photos from 2012/c.mp4", mp4Video(), 2024);
  await put("phone/VID_20160101_101500.mp4", new Uint8Array([...mp4Video(), ...freeBox]), 2024);
  await put("phone/IMG_1.jpg", await takenPhoto("2015:06:01 10:00:00"), 2024);
  await put("iCloud/IMG_2.png", await pngPhoto(33), 2024);
  await put(
    "iCloud/Photo Details.csv",
    'imgName,fileChecksum,favorite,hidden,deleted,originalCreationDate,viewCount,importDate\nIMG_2.png,x,no,no,no,"Monday March 4,2013 8:34 PM GMT",1,\nIMG_3.png,x,no,yes,no,"Monday March 4,2013 8:34 PM GMT",1,',
  );
  await put("iCloud/IMG_3.png", await pngPhoto(34));
  const { out, status } = await importFolder();
  expect(out).toContain(`Imported 6 files`);
  expect(out).toContain("Ignored 1 file: deleted or hidden before the export.");
  expect(status).toBe(0);
  const found = await posts();
  expect(found.map(({ file_name }) => file_name)).toEqual([
    "c.heic",
    "c.mp4",
    "IMG_2.png",
    "d.png",
    "IMG_1.jpg",
    "VID_20160101_101500.mp4",
  ]);
  expect(found.map(({ caption }) => caption)).toEqual(["At the lake", "", "", "", "", ""]);
  const photo = await service.fetch(new URL(found[4]!.url).pathname);
  expect(Buffer.from(await photo.arrayBuffer()).includes("2015:06:01")).toBeFalse();
});

test("import-folder: films have the time of their recording, unless an export or a photo of the same name tells another", async () => {
  await put("a 2012-01-01.mp4", recordedFilm(Date.UTC(2015, 0)), 2024);
  await put("b.png", await pngPhoto(30), 2016);
  await put("c.mov", recordedFilm(Date.UTC(2017, 0)), 2024);
  await put("d.mp4", recordedFilm(Date.UTC(2013, 0)), 2024);
  await put("d.mp4.json", JSON.stringify({ photoTakenTime: { timestamp: "1530000000" } }));
  await put("e.jpg", await takenPhoto("2019:06:01 10:00:00"), 2024);
  await put("e.mp4", recordedFilm(Date.UTC(2014, 0)), 2024);
  await put("f 2020-01-01.mp4", recordedFilm(0), 2024);
  expect((await importFolder()).status).toBe(0);
  expect(await names()).toEqual([
    "a 2012-01-01.mp4",
    "b.png",
    "c.mp4",
    "d.mp4",
    "e.jpg",
    "e.mp4",
    "f 2020-01-01.mp4",
  ]);
});

/** @param time milliseconds since 1970 */
function recordedFilm(time: number): Uint8Array<ArrayBuffer> {
  const film = mp4Video();
  const view = new DataView(film.buffer, film.byteOffset);
  view.setUint32(Buffer.from(film).indexOf("mvhd") + 8, (time - Date.UTC(1904, 0)) / 1000);
  return film;
}

/** An empty box at the end of an MP4, which makes another file of it. */
const freeBox = [0, 0, 0, 8, 0x66, 0x72, 0x65, 0x65];

onlySqlite(
  "import-folder: names refused files with the reason, ignores what nobody misses, and imports the rest",
  async () => {
    const photo = await jpegPhoto(200, 150);
    await put("good.jpg", photo);
    await put("copies/good (1).jpg", photo);
    await put("cut.jpg", photo.slice(0, photo.length / 2));
    await put("empty.png", "");
    await put("large.jpg", new Uint8Array(Buffer.concat([photo, Buffer.alloc(1024 ** 2)])));
    await put("\x1b[31mraw.tiff", "II*\0 and nothing else");
    await put("text.txt", "neither");
    await put(".hidden.jpg", photo);
    await put("Thumbs.db", "x");
    await put("@eaDir/SYNOPHOTO_THUMB.jpg", photo);
    await put("good.jpg.aae", "<plist/>");
    await put("Recently Deleted/gone.png", await pngPhoto());
    await symlink(join(folder, "outside"), join(source, "linked-folder"));
    await mkdir(join(folder, "outside"));
    await Bun.write(join(folder, "outside/secret.jpg"), await jpegPhoto(50, 50));
    await symlink(join(folder, "outside/secret.jpg"), join(source, "linked.jpg"));
    Bun.spawnSync(["mkfifo", join(source, "pipe.jpg")]);
    // Its name is no UTF-8.
    Bun.spawnSync(["sh", "-c", "printf x > \"$(printf '\\377.png')\""], { cwd: source });

    const limits = { MAX_IMAGE_SIZE: "1mb" };
    const preview = await importFolder(["--dry-run"], limits);
    expect(preview.out).toContain("Would import 2 files");
    expect(preview.status).toBe(1);
    expect(await names()).toEqual([]);

    const { out, error, status } = await importFolder([], limits);
    expect(status).toBe(1);
    expect(error).toContain("Some files were refused");
    expect(out.split("\n").sort()).toEqual(
      [
        `Imported 1 file (${readableSize(photo.length)}) for ${email}.`,
        "Already there, or the same file twice: 1 file.",
        "Ignored 3 files: hidden and system files.",
        "Ignored 1 file: captions, edits and lists of an export.",
        "Ignored 3 files: symbolic links and special files.",
        "Ignored 1 file: deleted or hidden before the export.",
        "Ignored 1 file: neither photos nor videos (1 .txt).",
        "Refused 5 files:",
        "  \uFFFD.png: It is gone, or its name is not valid UTF-8.",
        "  cut.jpg: The file is cut off: part of the picture is missing.",
        "  empty.png: The file is empty.",
        "  large.jpg: File too large: at most 1 MB are accepted.",
        "  \uFFFD[31mraw.tiff: TIFF cannot be shared yet; save it as JPEG or PNG.",
        "",
      ].sort(),
    );
    expect(await names()).toHaveLength(1);
  },
);

test("import-folder: recognises files that were uploaded or imported before, and imports deleted ones again", async () => {
  await put("a.png", await pngPhoto(11));
  await put("b.png", await pngPhoto(12));
  await service.upload(token, new Blob([await pngPhoto(11)]), { "idempotency-key": "a" });
  expect((await importFolder()).out).toContain("Imported 1 file");
  const again = await importFolder();
  expect(again.out).toContain("Imported 0 files");
  expect(again.out).toContain("Already there, or the same file twice: 2 files.");
  expect(again.status).toBe(0);
  const [, imported] = await posts();
  await service.fetch(`/posts/${imported!.id}`, { method: "DELETE", token });
  expect((await importFolder()).out).toContain("Imported 1 file");
  expect(await posts()).toHaveLength(2);
});

test("import-folder: after kill -9 several times, imports every file once and in order, and leaves nothing behind", async () => {
  await putPhotos(40);
  for (let kills = 0; kills < maxKills; kills++) {
    const child = await start();
    const before = (await mediaFiles()).length;
    await until(
      async () => child.exitCode !== null || (await mediaFiles()).length >= before + 2 + (kills % 3),
    );
    child.kill("SIGKILL");
    await child.exited;
  }
  const { out, status } = await importFolder();
  expect(out).toMatch(/^Imported \d+ files? /);
  expect(status).toBe(0);
  const found = await names();
  expect(found).toHaveLength(40);
  expect(found).toEqual([...found].sort());
  expect(await readdir(join(service.dataDir, "tmp"))).toHaveLength(1);
});

test("import-folder: after Ctrl-C, says what is done, and the next run imports the rest", async () => {
  await putPhotos(40);
  const child = await start();
  await until(async () => (await mediaFiles()).length >= 4);
  child.kill("SIGINT");
  const { out, status } = await outcomeOf(child);
  expect(status).toBe(130);
  expect(out).toMatch(/^Imported \d+ files? /);
  expect(out).toEndWith("Interrupted. Repeat the command to import the rest.\n");
  const done = (await names()).length;
  expect(out).toStartWith(`Imported ${done} file`);
  expect(done).toBeLessThan(40);
  // No unfinished upload is left.
  expect((await mediaFiles()).filter((name) => !name.includes(".thumb."))).toHaveLength(done);
  expect((await importFolder()).status).toBe(0);
  const found = await names();
  expect(found).toHaveLength(40);
  expect(found).toEqual([...found].sort());
});

test("import-folder: a service that starts during the import does not take its uploads for abandoned", async () => {
  await putPhotos(24);
  const child = await start();
  await service.kill();
  for (let i = 0; i < 2; i++) {
    await until(async () => child.exitCode !== null || (await mediaFiles()).length >= 4 + 16 * i);
    await service.start();
    await service.kill();
  }
  expect(await outcomeOf(child)).toMatchObject({ status: 0 });
  await service.start();
  expect(await names()).toHaveLength(24);
});

onlySqlite(
  "import-folder: keeps to the quota of the account, and names the files that do not fit",
  async () => {
    const [small, large] = [await pngPhoto(20, 20), await pngPhoto(300, 300)];
    await put("2018-01-01.png", large);
    await put("2019-01-01.png", small);
    const { out, status } = await importFolder([], { USER_QUOTA: String(small.length + 2) });
    expect(status).toBe(1);
    expect(out).toContain(
      "  2018-01-01.png: The upload does not fit into the space that the account may use.\n",
    );
    expect(await names()).toEqual(["2019-01-01.png"]);
  },
);

onlySqlite("import-folder: ends early when the disk is nearly full", async () => {
  await putPhotos(3);
  const { out, error, status } = await importFolder([], { MIN_FREE_SPACE: "1000000GB" });
  expect(status).toBe(1);
  expect(out).toStartWith("Imported 0 files");
  expect(error).toContain("The import ended early: There is no space left");
  expect(await names()).toEqual([]);
});

onlySqlite(
  "import-folder: refuses an unknown or deactivated account, a missing folder, and the data folder",
  async () => {
    const refused = async (args: string[]) => {
      const { error, status } = await outcomeOf(await startCommand(args));
      return [status, error.trimEnd().split("\n").at(-1)];
    };
    const account = ["--for", email];
    expect(await refused(["source", "--for", "bob@example.com"])).toEqual([
      1,
      "There is no account bob@example.com. Register it, or invite its owner, first.",
    ]);
    expect(await refused(["nowhere", ...account])).toEqual([1, `There is no folder ${folder}/nowhere.`]);
    await Bun.write(join(folder, "file"), "x");
    expect(await refused(["file", ...account])).toEqual([1, `${folder}/file is not a folder.`]);
    expect((await refused([".", ...account]))[1]).toContain("contains the data folder");
    expect((await refused(["data/media", ...account]))[1]).toContain("or is inside it");
    expect(await refused(["source"])).toEqual([2, "import-folder: --for EMAIL is missing."]);
    expect(await refused(["source", ...account])).toEqual([0, ""]);
  },
);
