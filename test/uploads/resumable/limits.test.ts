import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";

import { randomVideo } from "../../support/random-video.ts";
import { TestService } from "../../support/service.ts";
import { nodeOf, TusRequests } from "../../support/tus.ts";

const largest = 40_000;
const video = randomVideo(20_000);

let service: TestService;
beforeAll(async () => {
  service = await TestService.start({
    MAX_IMAGE_SIZE: String(largest),
    MAX_VIDEO_SIZE: String(largest),
    USER_QUOTA: String(2 * largest),
    UPLOADS_PER_ACCOUNT: "2",
  });
});
afterAll(() => service.close());

const newUser = async () => new TusRequests(service, (await service.signUp()).token);
const told = async (answer: Response) => [
  answer.status,
  ((await answer.json()) as { detail: unknown }).detail,
];

test("POST /uploads: refuses a file beyond the quota, which the publication checks again", async () => {
  const tus = await newUser();
  const paths = await Promise.all([1, 2, 3, 4].map(() => tus.begin(video.length)));
  const answers = [];
  for (const path of paths) answers.push(await tus.patch(path, 0, video));
  expect(answers.map(({ status }) => status)).toEqual([204, 204, 204, 413]);
  expect((await answers[3]!.json()) as unknown).toEqual({ detail: "QUOTA_EXCEEDED" });
  expect((await tus.head(paths[3]!)).status).toBe(404);
  expect(await told(await tus.create(video.length))).toEqual([413, "QUOTA_EXCEEDED"]);
  expect((await tus.create(10_000)).status).toBe(201);
});

test("POST /uploads: an account may have ten times the largest file in unfinished uploads, or a hundred", async () => {
  const [ada, bob] = [await newUser(), await newUser()];
  const created = await Promise.all(Array.from({ length: 11 }, () => ada.create(largest)));
  expect(created.map(({ status }) => status).sort()).toEqual([...Array<number>(10).fill(201), 429]);
  const refused = created.find(({ status }) => status === 429)!;
  expect(refused.headers.get("retry-after")).toBe("60");
  const small = await Promise.all(Array.from({ length: 102 }, () => bob.create(10)));
  expect(small.filter(({ status }) => status === 201)).toHaveLength(100);
  const path = new URL(small.find(({ status }) => status === 201)!.headers.get("location")!).pathname;
  expect((await bob.terminate(path)).status).toBe(204);
  expect((await bob.create(10)).status).toBe(201);
});

test("PATCH /uploads: counts as one of the uploads that an account may run at once", async () => {
  const { token } = await service.signUp();
  // Each node counts its own.
  const tus = new TusRequests(nodeOf(service), token);
  const paths = await Promise.all([1, 2, 3].map(() => tus.begin(video.length)));
  const { promise: go, resolve } = Promise.withResolvers<void>();
  const begun = [1, 2].map(() => Promise.withResolvers<void>());
  const running = begun.map((begin, i) => {
    const body = new ReadableStream(
      {
        async pull(controller) {
          begin.resolve();
          await go;
          controller.enqueue(video.slice());
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    return tus.patch(paths[i]!, 0, body);
  });
  await Promise.all(begun.map(({ promise }) => promise));
  expect((await tus.patch(paths[2]!, 0, video)).status).toBe(429);
  resolve();
  expect((await Promise.all(running)).map(({ status }) => status)).toEqual([204, 204]);
  expect((await tus.patch(paths[2]!, 0, video)).status).toBe(204);
});

test.skipIf(process.platform !== "linux")(
  "unfinished uploads hold no descriptor between their requests",
  async () => {
    const descriptors = async () => (await readdir("/proc/self/fd")).length;
    const [ada, bob] = [await newUser(), await newUser()];
    const paths = await Promise.all(Array.from({ length: 60 }, (_, i) => (i % 2 ? ada : bob).begin(600)));
    const before = await descriptors();
    for (const [i, path] of paths.entries())
      expect((await (i % 2 ? ada : bob).patch(path, 0, video.slice(0, 500))).status).toBe(204);
    expect(await descriptors()).toBeLessThan(before + 30);
  },
);
