import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

const own = "https://photos.example.com";
const password = "correct horse battery";
const unauthorized = [401, { detail: "Unauthorized" }];

let service: TestService;
let root: Awaited<ReturnType<TestService["signUp"]>>;
let photo: Blob;
let ada: Awaited<ReturnType<TestService["signUp"]>>;
let session: { token: string; id: string };
beforeAll(async () => {
  service = await TestService.start({ PUBLIC_URL: own });
  root = await service.signUp();
  await service.promote(root);
  photo = new Blob([await pngPhoto()]);
});
afterAll(() => service.close());
beforeEach(async () => {
  ada = await service.signUp();
  const token = await service.beginSession(ada.email);
  const [found] = await service.services.database.sessions.list(ada.id, new Date());
  session = { token, id: found!.id };
});

const answerOf = async (response: Response) => [response.status, await response.json()];
const patch = (id: string, json: object) =>
  service.fetch(`/users/${id}`, { method: "PATCH", token: root.token, json });
const end = (path: string, token: string, method = "DELETE") => service.fetch(path, { method, token });
async function nothingLeft(): Promise<void> {
  await service.services.background.drain();
  expect(await service.mediaFiles()).toEqual([]);
  expect(await service.services.database.posts.page(1)).toEqual([]);
  expect(await service.tempFiles()).toEqual([]);
}

/** What ends a session, each with the status of its response. */
const ends: [string, () => Promise<Response>][] = [
  ["it was logged out", () => end("/auth/session/logout", session.token, "POST")],
  ["another device ended it", () => end(`/users/me/sessions/${session.id}`, ada.token)],
  ["another device ended all others", () => end("/users/me/sessions", ada.token)],
  ["the password was changed", () => patch(ada.id, { password: "a brand new secret" })],
  ["the account was deactivated", () => patch(ada.id, { is_active: false })],
  [
    "the account was deactivated and activated again",
    async () => {
      await patch(ada.id, { is_active: false });
      return patch(ada.id, { is_active: true });
    },
  ],
  ["the account was deleted", () => end(`/users/${ada.id}`, root.token)],
];

describe("a session that ends during an upload", () => {
  test.each(ends)(
    "upload: answers 401 and leaves nothing when, while the file was stored, %s",
    async (_, event) => {
      const node = service.interrupted("storing", async () => expect((await event()).ok).toBe(true));
      expect(await answerOf(await node.upload(session.token, photo))).toEqual(unauthorized);
      await nothingLeft();
    },
  );

  test("upload: answers 401 and leaves nothing when the session of its cookie ended meanwhile", async () => {
    const node = service.interrupted("storing", () => end(`/users/me/sessions/${session.id}`, ada.token));
    const body = new FormData();
    body.set("file", photo, "photo.png");
    const headers = { cookie: `fastapiusersauth=${session.token}`, origin: own };
    const response = await node.fetch("/upload", { method: "POST", body, headers });
    expect(await answerOf(response)).toEqual(unauthorized);
    await nothingLeft();
  });

  test("upload: publishes when another session ended or the session expired meanwhile", async () => {
    const other = await service.beginSession(ada.email);
    const node = service.interrupted("storing", async () => {
      await end("/auth/session/logout", other, "POST");
      const past = { id: session.id, lastUsedAt: new Date(0), expiresAt: new Date(Date.now() - 60_000) };
      await service.services.database.sessions.extend(past, new Date(Date.now() + 60_000));
      await service.services.sweeper.sweep();
    });
    const response = await node.upload(session.token, photo);
    expect(response.status).toBe(200);
    const { id } = (await response.json()) as { id: string };
    expect((await service.fetch("/users/me", { token: session.token })).status).toBe(401);
    await service.fetch(`/posts/${id}`, { method: "DELETE", token: ada.token });
    await nothingLeft();
  });
});

test.each(ends)(
  "PATCH /users/me: answers 401 and changes nothing when, during hashing, %s",
  async (_, event) => {
    let before: unknown;
    const account = () => service.services.database.users.byId(ada.id);
    const node = service.interrupted("hashing", async () => {
      expect((await event()).ok).toBe(true);
      before = await account();
    });
    const json = {
      email: `thief-${ada.email}`,
      password: "the thief's password",
      current_password: password,
    };
    const response = await node.fetch("/users/me", { method: "PATCH", token: session.token, json });
    expect(await answerOf(response)).toEqual(unauthorized);
    expect(await account()).toEqual(before as never);
  },
);

test("sessions: of concurrent ends of one session exactly one succeeds", async () => {
  const responses = await Promise.all(
    Array.from({ length: 5 }, () => end(`/users/me/sessions/${session.id}`, ada.token)),
  );
  expect(responses.map(({ status }) => status).sort()).toEqual([204, 404, 404, 404, 404]);
  const token = await service.beginSession(ada.email);
  const logouts = await Promise.all(
    Array.from({ length: 5 }, () => end("/auth/session/logout", token, "POST")),
  );
  expect(logouts.map(({ status }) => status).sort()).toEqual([204, 401, 401, 401, 401]);
});
