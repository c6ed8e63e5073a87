import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

type Account = Awaited<ReturnType<TestService["signUp"]>>;
interface Report {
  id: string;
  post: { id: string; email: string };
  reason: string;
  reporter: { id: string; name: string | null; email: string };
  created_at: string;
}
interface Page {
  reports: Report[];
  next_cursor: string | null;
}

let service: TestService;
let ada: Account;
let bob: Account;
let root: Account;
let photo: Blob;
beforeAll(async () => {
  photo = new Blob([await pngPhoto(1000, 500)]);
  service = await TestService.start();
  [ada, bob, root] = [await service.signUp(), await service.signUp(), await service.signUp()];
  await service.promote(root);
});
afterAll(() => service.close());

const share = async (token = ada.token) =>
  (await (await service.upload(token, photo)).json()) as { id: string; url: string; thumbnail_url: string };
const remove = (id: string, token: string) => service.fetch(`/posts/${id}`, { method: "DELETE", token });
const report = (id: string, reason: unknown, token: string | undefined = bob.token) =>
  service.fetch(`/posts/${id}/reports`, { json: { reason }, token });
const reports = async (query = "") =>
  (await (await service.fetch(`/reports${query}`, { token: root.token })).json()) as Page;
const reportsOf = async (id: string) =>
  (await reports("?limit=200")).reports.filter(({ post }) => post.id === id);
const dismiss = (id: string, token = root.token) =>
  service.fetch(`/reports/${id}`, { method: "DELETE", token });
const events = (event: string) =>
  service.logged
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line["event"] === event);

describe("superusers delete posts", () => {
  test("moderation: a superuser deletes anybody's post with its media, and the log tells who did it", async () => {
    const { id, url } = await share();
    const answer = await remove(id, root.token);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { success: true, message: "Post deleted successfully" },
    ]);
    expect((await service.fetch(`/posts/${id}`, { token: ada.token })).status).toBe(404);
    expect((await service.fetch(new URL(url).pathname)).status).toBe(404);
    expect((await service.mediaFiles()).filter((name) => name.includes(id))).toEqual([]);
    expect(events("post.deleted").at(-1)).toMatchObject({
      level: "info",
      id: answer.headers.get("x-request-id"),
      actor: root.id,
      author: ada.id,
      post: id,
    });
    expect(service.mails.filter(({ to }) => to === ada.email)).toEqual([]);
  });

  test("moderation: deleting a post of one's own is not moderation and is not logged as such", async () => {
    const before = events("post.deleted").length;
    for (const { token } of [ada, root]) await remove((await share(token)).id, token);
    expect(events("post.deleted")).toHaveLength(before);
  });

  test("moderation: a superuser and the author who delete at the same time get one 200 and one 404", async () => {
    for (let round = 0; round < 5; round++) {
      const { id } = await share();
      const answers = await Promise.all([remove(id, root.token), remove(id, ada.token)]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 404]);
    }
  });
});

describe("reports", () => {
  test("reports: a report shows the post, its reason and the reporter to superusers", async () => {
    const { id } = await share();
    const answer = await report(id, "This is my photo. 📷");
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    const [found] = (await reports("?limit=1")).reports;
    expect(found).toEqual({
      id: expect.any(String),
      post: expect.objectContaining({ id, user_id: ada.id, email: ada.email, is_owner: false }),
      reason: "This is my photo. 📷",
      reporter: { id: bob.id, name: null, email: bob.email },
      created_at: expect.stringMatching(/Z$/),
    });
    expect(events("post.reported").at(-1)).toMatchObject({
      id: answer.headers.get("x-request-id"),
      actor: bob.id,
      post: id,
    });
  });

  test("reports: a second report by the same user replaces the first and comes first in the list", async () => {
    const { id } = await share();
    const other = await share();
    for (const [post, reason] of [
      [id, "one"],
      [other.id, "other"],
      [id, "two"],
    ] as const)
      expect((await report(post, reason)).status).toBe(204);
    expect((await reports("?limit=2")).reports.map(({ reason }) => reason)).toEqual(["two", "other"]);
    await report(id, "three", ada.token);
    expect((await reportsOf(id)).map(({ reason }) => reason)).toEqual(["three", "two"]);
  });

  test("reports: come in pages that follow each other", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      const { id } = await share();
      await report(id, `report ${i}`);
      ids.unshift(id);
    }
    const first = await reports("?limit=2");
    const rest = await reports(`?limit=3&cursor=${first.next_cursor}`);
    expect([...first.reports, ...rest.reports].map(({ post }) => post.id)).toEqual(ids);
    let cursor = rest.next_cursor;
    while (cursor) cursor = (await reports(`?limit=2&cursor=${cursor}`)).next_cursor;
  });

  test("reports: a dismissed report is gone, and the post stays", async () => {
    const { id } = await share();
    await report(id, "boring");
    const [found] = await reportsOf(id);
    const answer = await dismiss(found!.id);
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    expect(await reportsOf(id)).toEqual([]);
    expect((await dismiss(found!.id)).status).toBe(404);
    expect((await service.fetch(`/posts/${id}`, { token: bob.token })).status).toBe(200);
    expect(events("report.dismissed").at(-1)).toMatchObject({
      id: answer.headers.get("x-request-id"),
      actor: root.id,
      report: found!.id,
      post: id,
    });
  });

  test("reports: go with their post and with their reporter", async () => {
    const [first, second] = [await share(), await share()];
    const eve = await service.signUp();
    await report(first.id, "x");
    await report(second.id, "y", eve.token);
    await remove(first.id, ada.token);
    expect(await reportsOf(first.id)).toEqual([]);
    await service.fetch(`/users/${eve.id}`, { method: "DELETE", token: root.token });
    expect(await reportsOf(second.id)).toEqual([]);
  });

  test.each([
    ["", "string_too_short"],
    ["🌊".repeat(501), "string_too_long"],
    ["a\0b", "value_error"],
    ["a\ud800b", "value_error"],
    [7, "string_type"],
    [null, "string_type"],
    [undefined, "missing"],
  ])("reports: the reason %j is 422", async (reason, type) => {
    const answer = await report(crypto.randomUUID(), reason);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ detail: [{ type, loc: ["body", "reason"] }] });
  });

  test("reports: a reason of 500 code points is accepted", async () => {
    const { id } = await share();
    expect((await report(id, "🌊".repeat(500))).status).toBe(204);
    expect((await reportsOf(id))[0]?.reason).toBe("🌊".repeat(500));
  });

  test("reports: an unknown, malformed or deleted post is 404", async () => {
    const { id } = await share();
    await remove(id, ada.token);
    for (const unknown of [id, crypto.randomUUID(), "nope", "%00"]) {
      const answer = await report(unknown, "x");
      expect([answer.status, await answer.json()]).toEqual([404, { detail: "Post not found" }]);
    }
    for (const unknown of [crypto.randomUUID(), "nope", "%00"])
      expect((await dismiss(unknown)).status).toBe(404);
  });

  test("reports: only superusers list and dismiss them, and nobody reports without a token", async () => {
    for (const [path, method] of [
      ["/reports?limit=0", "GET"],
      [`/reports/${crypto.randomUUID()}`, "DELETE"],
    ] as const) {
      expect((await service.fetch(path, { method, token: bob.token })).status).toBe(403);
      expect((await service.fetch(path, { method })).status).toBe(401);
    }
    const answer = await service.fetch(`/posts/${crypto.randomUUID()}/reports`, { json: {} });
    expect(answer.status).toBe(401);
  });

  test.each([
    ["limit=0", "limit"],
    ["limit=201", "limit"],
    ["cursor=x", "cursor"],
  ])("reports: ?%s is 422 and names the parameter", async (query, field) => {
    const answer = await service.fetch(`/reports?${query}`, { token: root.token });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ detail: [{ loc: ["query", field] }] });
  });

  test("reports: a post that is deleted while it is reported leaves no report and no error", async () => {
    for (let round = 0; round < 10; round++) {
      const { id } = await share();
      const answers = await Promise.all([report(id, "x"), report(id, "y"), remove(id, ada.token)]);
      expect(answers[2].status).toBe(200);
      for (const { status } of answers.slice(0, 2)) expect([204, 404]).toContain(status);
      expect(await reportsOf(id)).toEqual([]);
    }
  });
});

describe("posts of a deactivated account", () => {
  const setActive = async (user: Account, isActive: boolean) => {
    const answer = await service.fetch(`/users/${user.id}`, {
      method: "PATCH",
      json: { is_active: isActive },
      token: root.token,
    });
    expect(answer.status).toBe(200);
  };

  test("deactivation: hides posts, media and reports from everybody at once, and a reactivation shows them again", async () => {
    const eve = await service.signUp();
    const posts: Awaited<ReturnType<typeof share>>[] = [];
    for (let i = 0; i < 3; i++) posts.unshift(await share(eve.token));
    const { id, url, thumbnail_url } = posts[0]!;
    await report(id, "spam");
    const media = [url, thumbnail_url].map((address) => new URL(address).pathname);

    /** What each of two nodes and several caches shows, to a user and to a superuser. */
    const seen = async () => {
      const found: unknown[] = [];
      for (const { token } of [bob, root, bob, root]) {
        for (const query of ["limit=3", `author=${eve.id}`]) {
          const page = (await (await service.fetch(`/feed?${query}`, { token })).json()) as {
            posts: { id: string; user_id: string }[];
          };
          found.push(page.posts.filter(({ user_id }) => user_id === eve.id).map((post) => post.id));
        }
        found.push((await service.fetch(`/posts/${id}`, { token })).status === 200 ? [id] : []);
      }
      for (const path of [...media, ...media])
        for (const headers of [{}, { "if-none-match": "*" }, { range: "bytes=0-9" }])
          found.push((await service.fetch(path, { headers })).status !== 404 ? [id] : []);
      found.push((await reportsOf(id)).map(({ post }) => post.id));
      return found;
    };
    const shown = await seen();
    expect(shown.slice(0, 3)).toEqual([posts.map((post) => post.id), posts.map((post) => post.id), [id]]);
    expect(shown.at(-1)).toEqual([id]);
    expect(shown.filter((ids) => (ids as string[]).length === 0)).toEqual([]);

    for (let round = 0; round < 2; round++) {
      await setActive(eve, false);
      expect((await seen()).flat()).toEqual([]);
      expect((await report(id, "again")).status).toBe(404);
      expect((await remove(id, root.token)).status).toBe(404);
      expect(
        (await service.fetch(`/posts/${id}`, { method: "PATCH", json: {}, token: bob.token })).status,
      ).toBe(404);
      await setActive(eve, true);
      expect(await seen()).toEqual(shown);
    }
  });

  test("deactivation: a deactivated account that is deleted takes its hidden posts and media along", async () => {
    const eve = await service.signUp();
    const { id } = await share(eve.token);
    await setActive(eve, false);
    await service.drain();
    await service.fetch(`/users/${eve.id}`, { method: "DELETE", token: root.token });
    // Another node may have claimed the post for its own sweep.
    await service.drain();
    await service.services.sweeper.sweep();
    expect((await service.mediaFiles()).filter((name) => name.includes(id))).toEqual([]);
    expect(await service.services.database.posts.countUnfinished()).toEqual({ pending: 0, deleting: 0 });
  });

  test("deactivation: an upload that is stored while its account is deactivated is not published", async () => {
    const eve = await service.signUp();
    const slow = service.interrupted("storing", () => setActive(eve, false));
    expect((await slow.upload(eve.token, photo)).status).toBe(401);
    await setActive(eve, true);
    const page = await service.fetch(`/feed?author=${eve.id}`, { token: bob.token });
    expect(await page.json()).toEqual({ posts: [], next_cursor: null });
  });

  test.each([false, true])(
    "deactivation: a start of the service finishes what a crash left undone where is_active is %p",
    async (isActive) => {
      const { database, sweeper } = service.services;
      const eve = await service.signUp();
      const { id } = await share(eve.token);
      await database.users.change("operator", eve, { isActive: false });
      if (isActive) {
        await database.posts.syncPostStates(eve.id);
        await database.users.change("operator", eve, { isActive });
      }
      expect(await database.posts.authorsToSync()).toEqual([eve.id]);
      const stop = sweeper.start();
      while ((await database.posts.authorsToSync()).length > 0) await Bun.sleep(5);
      stop();
      const page = await service.fetch(`/feed?author=${eve.id}`, { token: bob.token });
      expect(((await page.json()) as { posts: { id: string }[] }).posts.map((post) => post.id)).toEqual(
        isActive ? [id] : [],
      );
    },
  );
});
