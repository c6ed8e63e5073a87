import { afterAll, beforeAll, expect, test } from "bun:test";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

let service: TestService;
let ada: string;
let bob: string;
beforeAll(async () => {
  service = await TestService.start({ UPLOADS_PER_ACCOUNT: "2" });
  [ada, bob] = [(await service.signUp()).token, (await service.signUp()).token];
});
afterAll(() => service.close());

/**
 * An upload to the first node, because each node counts its own slots. Its body arrives with `send` or is aborted with
 * `cut`.
 */
function slowUpload(token: string, file: Uint8Array<ArrayBuffer>) {
  const { promise: go, resolve, reject } = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  go.catch(() => {});
  let pulled = false;
  const boundary = "XXsimpleXX";
  const whole = Buffer.concat([
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n`),
    file,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!pulled) {
          pulled = true;
          begun.resolve();
          controller.enqueue(new Uint8Array(whole.subarray(0, 40)));
          return;
        }
        await go;
        controller.enqueue(new Uint8Array(whole.subarray(40)));
        controller.close();
      },
    },
    // Nothing is pulled before the upload has its slot and its body is read.
    { highWaterMark: 0 },
  );
  const answer = service.firstHandler(
    new Request("http://localhost/upload", {
      method: "POST",
      body,
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": `multipart/form-data; boundary=${boundary}`,
      },
    }),
  );
  return { answer, begun: begun.promise, send: resolve, cut: () => reject(new Error("cut")) };
}

/** Starts three uploads of one account. Returns how many succeed, which is the number of its free slots. */
async function freeSlots(token: string): Promise<number> {
  const photo = await pngPhoto();
  const uploads = [1, 2, 3].map(() => slowUpload(token, photo));
  for (const { send } of uploads) send();
  const statuses = await Promise.all(uploads.map(async ({ answer }) => (await answer).status));
  return statuses.filter((status) => status === 200).length;
}

/** Slots come back after the answer: sends an upload again while the ones before hold them. */
async function untilAccepted(upload: () => Promise<Response>): Promise<Response> {
  let answer: Response | undefined;
  await until(async () => (answer = await upload()).status !== 429);
  return answer!;
}

const untilAllAreFree = (token: string) => until(async () => (await freeSlots(token)) === 2);

test("upload: rejects uploads beyond UPLOADS_PER_ACCOUNT with 429 before reading their body", async () => {
  const photo = await pngPhoto();
  const [first, second] = [slowUpload(ada, photo), slowUpload(ada, photo)];
  await Promise.all([first.begun, second.begun]);
  const refused = await slowUpload(ada, photo).answer;
  expect([refused.status, await refused.json()]).toEqual([
    429,
    { detail: "Too many uploads at once: at most 2" },
  ]);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);

  const other = slowUpload(bob, photo);
  other.send();
  expect((await other.answer).status).toBe(200);
  for (const upload of [first, second]) upload.send();
  expect((await first.answer).status).toBe(200);
  expect((await second.answer).status).toBe(200);
  await untilAllAreFree(ada);
});

test("upload: a slot is free again after success, rejection and an aborted body", async () => {
  const endings: ((upload: ReturnType<typeof slowUpload>) => void)[] = [
    ({ send }) => send(),
    ({ cut }) => cut(),
  ];
  const files = [await pngPhoto(), new TextEncoder().encode("no picture"), new Uint8Array()];
  for (const end of endings)
    for (const file of files) {
      await untilAccepted(() => {
        const upload = slowUpload(ada, file);
        end(upload);
        return upload.answer;
      });
    }
  const wrongForm = await untilAccepted(() =>
    service.fetch("/upload", { method: "POST", token: ada, body: "no form" }),
  );
  expect(wrongForm.status).toBe(422);
  await untilAllAreFree(ada);
});
