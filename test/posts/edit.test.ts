import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
let ada: Awaited<ReturnType<TestService["signUp"]>>;
let photo: Blob;
beforeAll(async () => {
  service = await TestService.start();
  ada = await service.signUp();
  photo = new Blob([await pngPhoto()]);
});
afterAll(() => service.close());

type Post = Record<string, unknown> & { id: string };

/** Uploads a photo with these text parts, in this order. */
async function upload(texts: [name: string, text: string][], key?: string): Promise<Response> {
  const form = new FormData();
  form.set("file", photo, "photo.png");
  for (const [name, text] of texts) form.append(name, text);
  const headers: Record<string, string> = key === undefined ? {} : { "idempotency-key": key };
  return service.fetch("/upload", { method: "POST", body: form, token: ada.token, headers });
}
const share = async (...texts: [string, string][]) => (await (await upload(texts)).json()) as Post;
const edit = (id: string, json: unknown, token: string | undefined = ada.token) =>
  service.fetch(`/posts/${id}`, { method: "PATCH", json, token });
const read = async (id: string) =>
  (await (await service.fetch(`/posts/${id}`, { token: ada.token })).json()) as Post;

const longestAlt = "🌊".repeat(1500);

describe("alternative text", () => {
  test("alternative text: an upload stores it beside the caption, and both are empty if left out", async () => {
    expect(await share(["alt", "a lake"], ["caption", "Home"])).toMatchObject({
      alt: "a lake",
      caption: "Home",
    });
    expect(await share()).toMatchObject({ alt: "", caption: "" });
  });

  test("alternative text: the last of several parts counts", async () => {
    expect(await share(["alt", "x".repeat(70_000)], ["alt", "a lake"])).toMatchObject({ alt: "a lake" });
  });

  test("alternative text: 1,500 code points are accepted, by the upload and by the edit", async () => {
    const { id, alt } = await share(["alt", longestAlt]);
    expect(alt).toBe(longestAlt);
    expect((await edit(id, { alt: longestAlt.replace("🌊", "🌋") })).status).toBe(200);
  });

  test.each([
    ["too long", `${longestAlt}x`, "string_too_long"],
    ["too long to be read whole", "x".repeat(70_000), "string_too_long"],
    ["with NUL", "a\0b", "value_error"],
  ])("alternative text: a text that is %s is 422, by the upload and by the edit", async (_, alt, type) => {
    const { id } = await share();
    const detail = [{ type, loc: ["body", "alt"] }];
    const uploaded = await upload([["alt", alt]]);
    expect([uploaded.status, await uploaded.json()]).toMatchObject([422, { detail }]);
    if (alt.length > 60_000) return;
    const edited = await edit(id, { alt });
    expect([edited.status, await edited.json()]).toMatchObject([422, { detail }]);
  });

  test("alternative text: a file part in its place is 422", async () => {
    const form = new FormData();
    form.set("file", photo, "photo.png");
    form.set("alt", photo, "alt.png");
    const answer = await service.fetch("/upload", { method: "POST", body: form, token: ada.token });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ detail: [{ type: "string_type", loc: ["body", "alt"] }] });
  });

  test("alternative text: an upload key with another alternative text is 422, with the same one it returns the first post", async () => {
    const key = crypto.randomUUID();
    const first = (await (await upload([["alt", "a lake"]], key)).json()) as Post;
    expect(await (await upload([["alt", "a lake"]], key)).json()).toEqual(first);
    for (const texts of [
      [],
      [["alt", "a sea"]],
      [
        ["alt", "a lake"],
        ["caption", "Home"],
      ],
    ] as [string, string][][])
      expect((await upload(texts, key)).status).toBe(422);
  });

  test("alternative text: a retried upload returns its post after the author has edited it", async () => {
    const key = crypto.randomUUID();
    const { id } = (await (await upload([["alt", "a lake"]], key)).json()) as Post;
    const edited = (await (await edit(id, { alt: "a sea" })).json()) as Post;
    const retried = await upload([["alt", "a lake"]], key);
    expect([retried.status, await retried.json()]).toEqual([200, edited]);
  });
});

describe("editing a post", () => {
  test("edit: changes the texts that are given, keeps the others, and sets edited_at", async () => {
    const post = await share(["caption", "Home"], ["alt", "a lake"]);
    expect(post["edited_at"]).toBeNull();
    const before = Date.now();
    const answer = await edit(post.id, { caption: "Away" });
    expect(answer.status).toBe(200);
    const edited = (await answer.json()) as Post;
    expect(edited).toEqual({ ...post, caption: "Away", edited_at: edited["edited_at"] });
    expect(Date.parse(edited["edited_at"] as string)).toBeGreaterThanOrEqual(before);
    const both = (await (await edit(post.id, { caption: "", alt: "a sea" })).json()) as Post;
    expect(both).toMatchObject({ caption: "", alt: "a sea" });
    expect(await read(post.id)).toEqual(both);
    const feed = await service.fetch("/feed?limit=1", { token: ada.token });
    expect(await feed.json()).toMatchObject({ posts: [both] });
  });

  test.each([{}, { caption: "Home" }, { caption: "Home", alt: "a lake" }, { unknown: 1 }])(
    "edit: %j changes nothing and leaves edited_at as it is",
    async (changes) => {
      const post = await share(["caption", "Home"], ["alt", "a lake"]);
      const answer = await edit(post.id, changes);
      expect([answer.status, await answer.json()]).toEqual([200, post]);
    },
  );

  test("edit: only the author may edit a post, superusers may not", async () => {
    const { id } = await share(["caption", "Home"]);
    const root = await service.signUp();
    await service.promote(root);
    for (const { token } of [await service.signUp(), root]) {
      const answer = await edit(id, { caption: "Mine" }, token);
      expect(answer.status).toBe(403);
      expect(await answer.json()).toEqual({ detail: "Not authorized to edit this post" });
    }
    expect(await read(id)).toMatchObject({ caption: "Home", edited_at: null });
  });

  test("edit: an unknown, malformed or deleted id is 404", async () => {
    const { id } = await share();
    await service.fetch(`/posts/${id}`, { method: "DELETE", token: ada.token });
    for (const unknown of [id, crypto.randomUUID(), "nope", "%00"]) {
      const answer = await edit(unknown, { caption: "x" });
      expect([answer.status, await answer.json()]).toEqual([404, { detail: "Post not found" }]);
    }
  });

  test.each([
    [{ caption: null }, "caption", "string_type"],
    [{ caption: 5 }, "caption", "string_type"],
    [{ alt: ["a"] }, "alt", "string_type"],
    [{ caption: "x".repeat(2201) }, "caption", "string_too_long"],
    [{ caption: "\0" }, "caption", "value_error"],
    [{ caption: "a\ud800b" }, "caption", "value_error"],
    [{ alt: "\udc00" }, "alt", "value_error"],
  ])("edit: %j is 422 and names the field, before 403 and 404", async (changes, field, type) => {
    const answer = await edit(crypto.randomUUID(), changes);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ detail: [{ type, loc: ["body", field] }] });
  });

  test("edit: a body that is not a JSON object is 422, and without a token it is 401", async () => {
    const { id } = await share();
    const send = (body: string, token?: string) =>
      service.fetch(`/posts/${id}`, {
        method: "PATCH",
        body,
        token,
        headers: { "content-type": "application/json" },
      });
    for (const body of ["{", "[]", "null", '"x"', ""]) {
      expect((await send(body, ada.token)).status).toBe(422);
      expect((await send(body)).status).toBe(401);
    }
  });

  test("edit: a post that is deleted at the same time is edited or not found, and never comes back", async () => {
    for (let round = 0; round < 10; round++) {
      const { id } = await share();
      const [edited, removed] = await Promise.all([
        edit(id, { caption: "still here" }),
        service.fetch(`/posts/${id}`, { method: "DELETE", token: ada.token }),
      ]);
      expect([200, 404]).toContain(edited.status);
      expect(removed.status).toBe(200);
      expect((await service.fetch(`/posts/${id}`, { token: ada.token })).status).toBe(404);
    }
  });
});
