// FUZZ_CASES=3000 for a longer run, FUZZ_SEED to repeat one.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { pngPhoto } from "../support/media-samples.ts";
import { cutUploads, oddRequest, type Asker } from "../support/odd-requests.ts";
import { ServiceProcess } from "../support/process.ts";
import { exchange, longEnough } from "../support/raw-http.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { TusRequests } from "../support/tus.ts";
import { until } from "../support/until.ts";

const cases = Number(process.env["FUZZ_CASES"] ?? 300);
const seed = Number(process.env["FUZZ_SEED"] ?? crypto.getRandomValues(new Uint32Array(1))[0]);
/** Concurrent requests. */
const crowd = 8;

let service: ServiceProcess;
let asker: Asker;
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-fuzz-"));
  const settings = { LOG_LEVEL: "debug", MAX_IMAGE_SIZE: "1mb" };
  service = new ServiceProcess(folder, settings, { log: join(folder, "log") });
  await service.start();
  asker = {
    random: seededRandom(seed),
    marker: `mk${crypto.randomUUID().slice(0, 8)}`,
    token: await service.signUp("ada@example.com"),
    victim: await service.signUp("eve@example.com"),
    photo: await pngPhoto(4, 4),
    unfinished: "",
  };
  const tus = new TusRequests(service, asker.token);
  asker = { ...asker, unfinished: await tus.begin(asker.photo.length, { filename: "photo.png" }) };
});
afterAll(async () => {
  await service.kill();
  await rm(service.dataDir, { recursive: true, force: true });
});

/** The ids of all posts in the feed. */
async function posts(): Promise<string[]> {
  const ids: string[] = [];
  for (let next = ""; ;) {
    const answer = await service.fetch(`/feed?limit=200${next}`, { token: asker.token });
    const page = (await answer.json()) as { posts: { id: string }[]; next_cursor: string | null };
    ids.push(...page.posts.map(({ id }) => id));
    if (page.next_cursor === null) return ids;
    next = `&cursor=${page.next_cursor}`;
  }
}
const descriptors = async () => (await readdir(`/proc/${service.pid}/fd`)).length;

/** Sends all requests, a few at a time, and checks the invariants of every response. Returns the ids of new posts. */
async function hold(requests: Iterator<Uint8Array>): Promise<string[]> {
  const shared: string[] = [];
  const client = async () => {
    for (let next = requests.next(); !next.done; next = requests.next()) {
      const { statuses, text } = await exchange(service.address, [next.value], { quiet: longEnough });
      const sent = Buffer.from(next.value).toString("latin1");
      const told = `seed ${seed}, ${sent.slice(0, 600)}\n→ ${text}`;
      const [status] = statuses;
      if (status === undefined || status >= 500) expect.unreachable(`no answer, or a failure: ${told}`);
      const [answerHead = "", body = ""] = text.split("\r\n\r\n");
      if (status >= 400) {
        if (text.includes(asker.marker)) expect.unreachable(`what was sent comes back: ${told}`);
        // Not HTTP, so Bun responds instead of the API.
        const isOfServer = /\r\nx-request-id: /i.test(answerHead);
        if (!isOfServer && ![400, 431].includes(status)) expect.unreachable(`not the API's answer: ${told}`);
        if (isOfServer && body !== "" && !("detail" in JSON.parse(body)))
          expect.unreachable(`not the API's shape: ${told}`);
        if (isOfServer && !/\r\nx-content-type-options: nosniff/i.test(answerHead))
          expect.unreachable(`not protected: ${told}`);
      }
      const [, published] = /\r\ncontent-location: \S+\/posts\/(\S+)/i.exec(answerHead) ?? [];
      if (published !== undefined) shared.push(published);
      if (status === 200 && /"file_name"/.test(body) && sent.startsWith("POST /upload"))
        shared.push((JSON.parse(body) as { id: string }).id);
    }
  };
  await Promise.all(Array.from({ length: crowd }, client));
  return shared;
}

async function settled(open: number): Promise<void> {
  await until(async () => (await descriptors()) <= open);
  const temp = await readdir(join(service.dataDir, "tmp"), { recursive: true, withFileTypes: true });
  expect(temp.filter((entry) => entry.isFile())).toEqual([]);
  const log = await readFile(join(service.dataDir, "log"), "utf8");
  expect(log.split("\n").filter((line) => line.includes(asker.marker))).toEqual([]);
  expect(log.split("\n").filter((line) => line.includes('"level":"error"'))).toEqual([]);
}

test.skipIf(process.platform !== "linux")(
  `fuzz: random requests get API responses that repeat no input, and leave nothing behind (seed ${seed})`,
  async () => {
    await fetch(`${service.address}/health`);
    const open = (await descriptors()) + crowd;
    const before = await posts();
    const odd = Array.from({ length: cases }, () => oddRequest(asker)).values();
    // A repeated upload key returns the first post.
    const shared = new Set(await hold(odd));
    await settled(open);
    expect((await posts()).sort()).toEqual([...before, ...shared].sort());
  },
  60_000 + cases * 100,
);

test.skipIf(process.platform !== "linux")(
  "fuzz: an upload truncated anywhere makes no post and leaves no file",
  async () => {
    const open = (await descriptors()) + crowd;
    const before = await posts();
    const shared = await hold(cutUploads(asker, cases >= 3000 ? 1 : 7));
    await settled(open);
    expect(shared).toEqual([]);
    expect(await posts()).toEqual(before);
  },
  60_000,
);
