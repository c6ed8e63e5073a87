import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
let photo: Blob;
/** Bytes of the photo as it is stored. */
let bytes: number;
let quota: number;
beforeAll(async () => {
  photo = new Blob([await pngPhoto()]);
  const unlimited = await TestService.start();
  const { token } = await unlimited.signUp();
  ({ bytes } = (await (await unlimited.upload(token, photo)).json()) as { bytes: number });
  await unlimited.close();
  // Room for two photos, but not for three.
  quota = 3 * bytes - 1;
  service = await TestService.start({ USER_QUOTA: String(quota) });
});
afterAll(() => service.close());

const told = async (answer: Response) => [answer.status, await answer.json()];
const exceeded = [413, { detail: "QUOTA_EXCEEDED" }];

describe("quota", () => {
  test("POST /upload: answers QUOTA_EXCEEDED beyond the quota of the account, and a deletion makes room", async () => {
    const [ada, bob] = [await service.signUp(), await service.signUp()];
    const first = (await (await service.upload(ada.token, photo)).json()) as { id: string };
    expect((await service.upload(ada.token, photo)).status).toBe(200);
    expect(await told(await service.upload(ada.token, photo))).toEqual(exceeded);
    expect((await service.upload(bob.token, photo)).status).toBe(200);
    const me = await service.fetch("/users/me?include=usage", { token: ada.token });
    expect(await me.json()).toMatchObject({ usage: { posts: 2, bytes: 2 * bytes, quota } });
    await service.fetch(`/posts/${first.id}`, { method: "DELETE", token: ada.token });
    expect((await service.upload(ada.token, photo)).status).toBe(200);
    expect(await service.tempFiles()).toEqual([]);
  });

  test("POST /upload: of parallel uploads exactly those that fit into the quota succeed", async () => {
    const { token } = await service.signUp();
    const answers = await Promise.all(Array.from({ length: 6 }, () => service.upload(token, photo)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 200, 413, 413, 413, 413]);
    const me = await service.fetch("/users/me?include=usage", { token });
    expect(await me.json()).toMatchObject({ usage: { posts: 2, bytes: 2 * bytes } });
  });

  test("POST /upload: refuses a body of a known length beyond the quota before it is read", async () => {
    const { token } = await service.signUp();
    const pulled: number[] = [];
    const body = new ReadableStream<Uint8Array>(
      { pull: (controller) => (pulled.push(1), controller.enqueue(new Uint8Array(10))) },
      { highWaterMark: 0 },
    );
    const headers = {
      "content-type": "multipart/form-data; boundary=x",
      "content-length": String(quota + 16 * 1024 + 1),
    };
    const answer = await service.fetch("/upload", { method: "POST", token, headers, body });
    expect(await told(answer)).toEqual(exceeded);
    expect(pulled).toEqual([]);
  });

  test("POST /upload: refuses any body at once when nothing is left", async () => {
    const full = await TestService.start({ USER_QUOTA: String(bytes) });
    try {
      const { token } = await full.signUp();
      expect((await full.upload(token, photo)).status).toBe(200);
      const init = {
        method: "POST",
        token,
        body: "x",
        headers: { "content-type": "multipart/form-data; boundary=x" },
      };
      expect(await told(await full.fetch("/upload", init))).toEqual(exceeded);
    } finally {
      await full.close();
    }
  });

  test("POST /upload: a repeated upload gives the first post although the quota is used up", async () => {
    const { token } = await service.signUp();
    const upload = () => service.upload(token, photo, "", "photo.png", { "idempotency-key": "one" });
    const first = (await (await upload()).json()) as { id: string };
    expect((await service.upload(token, photo)).status).toBe(200);
    expect(await told(await service.upload(token, photo))).toEqual(exceeded);
    expect(await told(await upload())).toMatchObject([200, { id: first.id }]);
  });
});
