import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

type Account = Awaited<ReturnType<TestService["signUp"]>>;
interface Post {
  id: string;
  user_id: string;
  author: { id: string; name: string | null };
  email: string;
  is_owner: boolean;
}
interface Page {
  posts: Post[];
  next_cursor: string | null;
}

let service: TestService;
let ada: Account;
let bob: Account;
let root: Account;
let photo: Blob;
beforeAll(async () => {
  photo = new Blob([await pngPhoto()]);
  service = await TestService.start();
  [ada, bob, root] = [await service.signUp(), await service.signUp(), await service.signUp()];
  await service.promote(root);
  for (let i = 0; i < 7; i++) await service.upload([ada, bob][i % 2]!.token, photo);
});
afterAll(() => service.close());

const page = async (query: string, token: string, of = service) =>
  (await (await of.fetch(`/feed${query}`, { token })).json()) as Page;

describe("addresses of authors", () => {
  test("author emails: only the author and superusers see the address, whoever asked for the page before", async () => {
    for (const order of [
      [root, ada, bob],
      [bob, ada, root],
    ])
      for (const viewer of order)
        for (const query of ["", "?limit=3", `?author=${ada.id}`])
          for (const { user_id, email } of (await page(query, viewer.token)).posts) {
            const author = user_id === ada.id ? ada : bob;
            const isVisible = viewer === root || viewer === author;
            expect(email).toBe(isVisible ? author.email : "Unknown");
          }
  });

  test("author emails: a single post hides the address too, and its ETag differs between viewers", async () => {
    const { id } = (await (await service.upload(ada.token, photo)).json()) as Post;
    const seen: Record<string, string> = {};
    for (const viewer of [root, ada, bob]) {
      const answer = await service.fetch(`/posts/${id}`, { token: viewer.token });
      seen[((await answer.json()) as Post).email] = answer.headers.get("etag")!;
      const etag = answer.headers.get("etag")!;
      for (const other of [root, ada, bob]) {
        const again = await service.fetch(`/posts/${id}`, {
          token: other.token,
          headers: { "if-none-match": etag },
        });
        expect(again.status).toBe(other === viewer ? 304 : 200);
      }
    }
    expect(Object.keys(seen)).toEqual([ada.email, "Unknown"]);
  });

  test("author emails: AUTHOR_EMAILS=everybody shows the address to everybody", async () => {
    const open = await TestService.start({ AUTHOR_EMAILS: "everybody" });
    const [eve, mallory] = [await open.signUp(), await open.signUp()];
    const { id, email } = (await (await open.upload(eve.token, photo)).json()) as Post;
    expect(email).toBe(eve.email);
    expect((await page("", mallory.token, open)).posts[0]).toMatchObject({
      id,
      email: eve.email,
      is_owner: false,
    });
    await open.close();
  });

  test("author: a post has the author's id and current name", async () => {
    const database = service.services.database;
    const eve = await service.signUp();
    const { author, user_id } = (await (await service.upload(eve.token, photo)).json()) as Post;
    expect([author, user_id]).toEqual([{ id: eve.id, name: null }, eve.id]);
    await page("", bob.token);
    await database.users.change("operator", eve, { name: "Eve" });
    expect((await page("", bob.token)).posts[0]?.author).toEqual({ id: eve.id, name: "Eve" });
    const next = (await (await service.upload(eve.token, photo)).json()) as Post;
    expect(next.author).toEqual({ id: eve.id, name: "Eve" });
  });
});

describe("the posts of one author", () => {
  test("feed of an author: lists exactly that author's posts, in pages that follow each other", async () => {
    const all = (await page("?limit=200", bob.token)).posts.filter(({ user_id }) => user_id === ada.id);
    const seen: Post[] = [];
    let path: string | undefined = `/feed?author=${ada.id}&limit=2`;
    while (path) {
      const answer: Response = await service.fetch(path, { token: bob.token });
      seen.push(...((await answer.json()) as Page).posts);
      path = /^<http:\/\/localhost:8000(\S+)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];
      if (path) expect(path).toContain(`author=${ada.id}&limit=2&cursor=`);
    }
    expect(seen).toEqual(all);
    expect(seen.length).toBeGreaterThan(3);
  });

  test("feed of an author: the id may have any form of a UUID", async () => {
    const { posts } = await page(`?author=${ada.id}`, bob.token);
    for (const form of [
      ada.id.toUpperCase(),
      ada.id.replaceAll("-", ""),
      `urn:uuid:${ada.id}`,
      `%7B${ada.id}%7D`,
    ])
      expect((await page(`?author=${form}`, bob.token)).posts).toEqual(posts);
  });

  test("feed of an author: an unknown author has an empty page", async () => {
    expect(await page(`?author=${crypto.randomUUID()}`, bob.token)).toEqual({ posts: [], next_cursor: null });
  });

  test.each(["", "ada", "%00", "1' or '1'='1", `${"0".repeat(500)}`])(
    "feed of an author: the malformed id %j is 422 and names the parameter",
    async (author) => {
      const answer = await service.fetch(`/feed?author=${author}&limit=0`, { token: bob.token });
      expect(answer.status).toBe(422);
      expect(await answer.json()).toMatchObject({
        detail: [{ loc: ["query", "limit"] }, { type: "uuid_parsing", loc: ["query", "author"] }],
      });
    },
  );

  test("feed of an author: a new, edited or deleted post shows at once", async () => {
    const eve = await service.signUp();
    const ids = async () => (await page(`?author=${eve.id}`, bob.token)).posts.map(({ id }) => id);
    expect(await ids()).toEqual([]);
    const { id } = (await (await service.upload(eve.token, photo)).json()) as Post;
    expect(await ids()).toEqual([id]);
    await service.fetch(`/posts/${id}`, { method: "PATCH", json: { alt: "a lake" }, token: eve.token });
    expect((await page(`?author=${eve.id}`, bob.token)).posts).toMatchObject([{ id, alt: "a lake" }]);
    await service.fetch(`/posts/${id}`, { method: "DELETE", token: eve.token });
    expect(await ids()).toEqual([]);
  });
});
