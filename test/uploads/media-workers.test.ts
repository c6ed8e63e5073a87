import { afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { chown, copyFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";

import { createMediaWorkers } from "../../src/uploads/media-workers.ts";
import { createLog } from "../../src/observability/log.ts";
import { command, ServiceProcess } from "../support/process.ts";
import { jpegPhoto, mp4Video } from "../support/media-samples.ts";
import { until } from "../support/until.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});
const makeFolder = async () => {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-workers-"));
  folders.push(folder);
  return folder;
};
const never = new AbortController().signal;

test("media workers: prepare a photo and its thumbnail in a separate process", async () => {
  const folder = await makeFolder();
  const workers = createMediaWorkers(
    folder,
    createLog("silent", () => {}),
    { maxImagePixels: 1_000_000 },
  );
  try {
    const path = join(folder, "a");
    const photo = await jpegPhoto(800, 600);
    await Bun.write(path, photo);
    const made = await workers.prepare(
      { path, type: "image/jpeg", thumbnail: true },
      "ada",
      photo.length,
      never,
    );
    expect(made).toEqual({
      bytes: Bun.file(path).size,
      size: { width: 800, height: 600 },
      durationSeconds: null,
      placeholder: expect.any(String),
      isFitForDisplay: true,
      missing: [],
      thumbnail: Bun.file(`${path}.thumb`).size,
    });
    expect((await readdir(folder)).sort()).toEqual(["a", "a.thumb"]);
  } finally {
    await workers.close();
  }
});

test.if(process.platform === "linux")(
  "media workers: make pictures of stored images at the lowest priority",
  async () => {
    const folder = await makeFolder();
    const log = createLog("silent", () => {});
    const workers = createMediaWorkers(folder, log, { maxImagePixels: 1_000_000 });
    /** Field 19 of proc(5), after the command's name in brackets. */
    const niceness = async (pid: number) =>
      Number((await readFile(`/proc/${pid}/stat`, "latin1")).split(") ").at(-1)!.split(" ")[16]);
    try {
      const before = await childrenOf(process.pid);
      const path = join(folder, "a");
      await Bun.write(path, await jpegPhoto(2100, 100));
      const image = {
        path,
        type: "image/jpeg",
        output: path,
        thumbnail: true,
        display: "if needed",
      } as const;
      const made = await workers.makePictures(image, "ada", Bun.file(path).size, never);
      expect(made).toEqual({
        thumbnail: Bun.file(`${path}.thumb`).size,
        display: Bun.file(`${path}.display`).size,
        placeholder: expect.any(String),
      });
      const idle = (await childrenOf(process.pid)).filter((pid) => !before.includes(pid));
      expect(await Promise.all(idle.map(niceness))).toEqual([12]);
      expect(workers.preparing()).toBe(0);
    } finally {
      await workers.close();
    }
  },
);

test("media workers: return API errors, and a bug as an error with its stack", async () => {
  const folder = await makeFolder();
  const workers = createMediaWorkers(
    folder,
    createLog("silent", () => {}),
    { maxImagePixels: 1_000_000 },
  );
  const prepare = (path: string, type: "image/jpeg" | "video/mp4") =>
    workers.prepare({ path, type, thumbnail: true }, "ada", 1, never);
  try {
    await Bun.write(join(folder, "text"), "no picture");
    await Bun.write(join(folder, "video"), mp4Video());
    expect((await prepare(join(folder, "video"), "video/mp4")).thumbnail).toBeNull();
    expect(prepare(join(folder, "text"), "image/jpeg")).rejects.toMatchObject({ code: "DAMAGED_MEDIA" });
    expect(prepare(join(folder, "missing"), "image/jpeg")).rejects.toThrow("A media worker failed");
    await Bun.write(join(folder, "large"), await jpegPhoto(1001, 1000));
    expect(prepare(join(folder, "large"), "image/jpeg")).rejects.toMatchObject({
      problems: [{ msg: "Value error, the image has more than 1 million pixels" }],
    });
  } finally {
    await workers.close();
  }
});

/** A PNG of one colour and a few kilobytes that takes a second or two to decode. */
function heavyPng(): Uint8Array<ArrayBuffer> {
  const side = 7000;
  const chunk = (type: string, content: Buffer) => {
    const bytes = Buffer.alloc(12 + content.length);
    bytes.writeUInt32BE(content.length);
    bytes.write(type, 4, "latin1");
    content.copy(bytes, 8);
    bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(4, 8 + content.length)), 8 + content.length);
    return bytes;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2], 8);
  // Paeth's filter on every row.
  const row = Buffer.alloc(1 + side * 3).fill(4, 0, 1);
  const data = deflateSync(Buffer.concat(Array<Buffer>(side).fill(row)), { level: 1 });
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  return new Uint8Array(
    Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]),
  );
}

/** IDs of the child processes of a process; proc(5). */
async function childrenOf(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`);
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, "latin1").catch(() => "")),
  );
  return lists.join(" ").split(" ").filter(Boolean).map(Number);
}

/** Processor time of a process so far, 0 when it has ended; proc(5). */
async function processorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13);
  return (Number(user ?? 0) + Number(system ?? 0)) / 100;
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test.if(process.platform === "linux")(
  "media workers: a crash of the decoder fails only its own upload, with DAMAGED_MEDIA",
  async () => {
    // Its only child processes are media workers.
    const service = new ServiceProcess(await makeFolder(), { FFMPEG: "off" });
    await service.start();
    try {
      const token = await service.signUp("ada@example.com");
      let over = false;
      const heavy = service.upload(token, new Blob([heavyPng()])).finally(() => (over = true));
      // A second time, because a job is retried after a crash.
      const killed = new Set<number>();
      while (!over) {
        for (const pid of await childrenOf(service.pid!))
          if (!killed.has(pid) && isAlive(pid)) {
            // Loading the program takes less, the job takes seconds.
            await until(async () => over || !isAlive(pid) || (await processorSeconds(pid)) > 0.4);
            if (over || !isAlive(pid)) break;
            process.kill(pid, "SIGKILL");
            killed.add(pid);
          }
        await Bun.sleep(20);
      }
      const answer = await heavy;
      expect([answer.status, await answer.json()]).toEqual([
        415,
        { detail: "The file is damaged or not what it claims to be" },
      ]);
      expect(killed.size).toBe(2);
      expect((await service.upload(token, new Blob([await jpegPhoto()]))).status).toBe(200);
      const left = await readdir(join(service.dataDir, "tmp"), { recursive: true });
      expect(left).toHaveLength(1);
    } finally {
      await service.kill();
    }
  },
);

test.if(process.getuid?.() === 0 && Bun.which("setpriv") !== null)(
  "media workers: prepare photos for a service that runs at a lower priority than theirs, without root's rights",
  async () => {
    const folder = await makeFolder();
    await chown(folder, 54_321, 54_321);
    const program = ["setpriv", "--reuid=54321", "--clear-groups", "nice", "-n", "10", ...command];
    const service = new ServiceProcess(folder, {}, { program });
    await service.start();
    try {
      const token = await service.signUp("ada@example.com");
      expect((await service.upload(token, new Blob([await jpegPhoto()]))).status).toBe(200);
    } finally {
      await service.kill();
    }
  },
);

/** Whether a worker has used more processor time (proc(5)) than its start takes. */
function isDecoding(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [, user, system] = /^(?:\S+ ){11}(\d+) (\d+)/.exec(stat.slice(stat.lastIndexOf(")") + 2)) ?? [];
    return Number(user) + Number(system) > 80;
  } catch {
    return false;
  }
}

test.if(process.platform === "linux")("media workers: exit when their service is killed", async () => {
  const service = new ServiceProcess(await makeFolder());
  await service.start();
  const token = await service.signUp("ada@example.com");
  const heavy = service.upload(token, new Blob([heavyPng()])).catch(() => {});
  let children: number[] = [];
  await until(async () => (children = await childrenOf(service.pid!)).some(isDecoding));
  // A stopped process handles no events, like one whose thread is busy. One that is just starting is not yet subordinate.
  for (const pid of children.filter(isDecoding)) process.kill(pid, "SIGSTOP");
  await service.kill();
  await heavy;
  await until(() => !children.some(isAlive));
});

test.if(process.platform === "linux")(
  "media workers: finish a running upload after a signal to the process group",
  async () => {
    const service = new ServiceProcess(await makeFolder());
    await service.start();
    const token = await service.signUp("ada@example.com");
    const heavy = service.upload(token, new Blob([heavyPng()]));
    let children: number[] = [];
    await until(async () => (children = await childrenOf(service.pid!)).some(isDecoding));
    for (const pid of children) process.kill(pid, "SIGTERM");
    const stopped = service.stop();
    expect((await heavy).status).toBe(200);
    expect(await stopped).toBe(0);
    expect(children.filter(isAlive)).toBeEmpty();
  },
);

test.if(process.platform === "linux" && command.length === 1)(
  "media workers: start from the running program after its file was replaced",
  async () => {
    const folder = await makeFolder();
    const copy = join(folder, "image-sharing");
    await copyFile(command[0]!, copy);
    const service = new ServiceProcess(join(folder, "data"), {}, { program: [copy] });
    await service.start();
    try {
      const token = await service.signUp("ada@example.com");
      await rm(copy);
      await Bun.write(copy, "another version");
      expect((await service.upload(token, new Blob([await jpegPhoto()]))).status).toBe(200);
    } finally {
      await service.kill();
    }
  },
);
