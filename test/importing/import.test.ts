import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { pageSize } from "../../src/database/original-database.ts";
import { maxCaptionLength } from "../../src/limits.ts";
import {
  changeOriginal,
  createOriginal,
  idOf,
  sampleDatabase,
  sampleSecret,
} from "../support/original-database.ts";
import { TestService } from "../support/service.ts";
import { feedOf, importInto } from "./importing.ts";

let folder: string;
let file: string;
let service: TestService;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-import-"));
  file = join(folder, "original.db");
  service = await TestService.start({ JWT_SECRET_KEY: sampleSecret, AUTHOR_EMAILS: "everybody" });
});
afterEach(async () => {
  await service.close();
  await rm(folder, { recursive: true });
});

const nothing = { added: 0, known: 0, refused: 0 };

/** The token of an account, as the original program signs it. */
function originalToken(userId: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: userId, aud: ["fastapi-users:auth"], exp: Math.floor(Date.now() / 1000) + 3600 };
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${text}.${createHmac("sha256", sampleSecret).update(text).digest("base64url")}`;
}

/** Runs statements on a copy of the sample. */
async function changedSample(...statements: string[]): Promise<void> {
  await copyFile(sampleDatabase, file);
  changeOriginal(file, (database) => statements.forEach((statement) => database.run(statement)));
}

const ada = "5413d5be-e262-436f-9e60-c195c97a2f0e";
const grace = "7eb94624-3d3e-4655-88f6-bf2c4d9a6d76";

describe("import of the original program's database", () => {
  test("import: accounts log in with their passwords, Argon2id and bcrypt, and keep their flags", async () => {
    const { accounts, posts, problems, superusers } = await importInto(service, sampleDatabase);
    expect({ accounts, posts, problems }).toEqual({
      accounts: { ...nothing, added: 4 },
      posts: { ...nothing, added: 8 },
      problems: [],
    });
    expect(superusers).toEqual(["ada@example.com"]);
    for (const name of ["ada", "grace", "linus"]) {
      const answer = await service.login(`${name}@example.com`, `${name} password 1`);
      expect([name, answer.status]).toEqual([name, 200]);
    }
    expect((await service.login("Zoë.Ünal@example.com", "Zoë.Ünal password 1")).status).toBe(400);
    const me = await service.fetch("/users/me", { token: originalToken(ada) });
    expect(await me.json()).toMatchObject({
      ...{ id: ada, email: "ada@example.com" },
      ...{ is_active: true, is_superuser: true, is_verified: true },
    });
  });

  test("import: posts keep ids, authors, captions, addresses and times, in UTC", async () => {
    await importInto(service, sampleDatabase);
    const posts = await feedOf(service, originalToken(grace));
    expect(posts.map(({ created_at }) => created_at)).toEqual(
      [...posts.map(({ created_at }) => created_at)].sort().reverse(),
    );
    expect(posts).toHaveLength(8);
    expect(posts.at(-1)).toMatchObject({
      id: "885e783b-2464-4129-bd93-c12cf6e557e6",
      user_id: ada,
      caption: "A photo of ada — ünïcode",
      url: "https://ik.imagekit.io/demo/x_000001.png",
      thumbnail_url: "https://ik.imagekit.io/demo/x_000001.png?tr=w-640,h-640,c-at_max",
      file_type: "image",
      file_name: "x_000001.png",
      content_type: "image/png",
      created_at: "2026-11-22T12:51:31.968Z",
      width: null,
      bytes: 0,
    });
    expect(posts.at(-2)).toMatchObject({
      url: "https://ik.imagekit.io/demo/clip_000002.mp4",
      thumbnail_url: "https://ik.imagekit.io/demo/clip_000002.mp4/ik-thumbnail.jpg?tr=w-640,h-640,c-at_max",
      file_type: "video",
    });
  });

  test("import: posts of a deactivated account stay hidden until it is active again", async () => {
    await changedSample(`update users set is_active = 0 where id = '${grace}'`);
    await importInto(service, file);
    expect(await feedOf(service, originalToken(ada))).toHaveLength(6);
    await service.fetch(`/users/${grace}`, {
      ...{ method: "PATCH", json: { is_active: true }, token: originalToken(ada) },
    });
    await service.services.database.posts.syncPostStates(grace);
    expect(await feedOf(service, originalToken(ada))).toHaveLength(8);
  });

  test("import: repeated, it adds what is new and brings back nothing that was deleted", async () => {
    await importInto(service, sampleDatabase);
    const token = originalToken(ada);
    const [newest] = await feedOf(service, token);
    expect((await service.fetch(`/posts/${newest!.id}`, { method: "DELETE", token })).status).toBe(200);
    expect((await service.fetch(`/users/${grace}`, { method: "DELETE", token })).status).toBe(204);
    await changedSample(
      `insert into posts select '${idOf("post", 1)}', user_id, 'new', url, file_type, file_name, created_at
       from posts where user_id in ('${ada}', '${grace}') group by user_id having user_id = '${ada}'`,
      `insert into posts select '${idOf("post", 2)}', user_id, 'new', url, file_type, file_name, created_at
       from posts where user_id = '${grace}' limit 1`,
    );
    const { accounts, posts, problems } = await importInto(service, file);
    expect({ accounts, posts, problems }).toEqual({
      accounts: { ...nothing, known: 4 },
      posts: { ...nothing, added: 1, known: 9 },
      problems: [],
    });
    const captions = (await feedOf(service, token)).map(({ id, caption }) => [id, caption]);
    expect(captions).toContainEqual([idOf("post", 1), "new"]);
    expect(captions).toHaveLength(6);
    expect(captions).not.toContainEqual([newest!.id, expect.anything()]);
  });

  test("import: an existing account keeps its password, and gets no posts of the one with its address or id", async () => {
    const own = await service.signUp("Grace@example.com");
    await changedSample(
      `update users set id = '${own.id}' where id = '${ada}'`,
      `update posts set user_id = '${own.id}' where user_id = '${ada}'`,
    );
    const { accounts, posts, problems } = await importInto(service, file);
    expect(accounts).toEqual({ added: 2, known: 0, refused: 2 });
    expect(posts).toEqual({ added: 2, known: 0, refused: 6 });
    expect(problems.sort()).toEqual([
      "account ada@example.com: an account that was not imported has its id",
      "account ada@example.com: its posts were left out too (4)",
      "account grace@example.com: another account has its address: change that one's address or delete it, and repeat the import",
      "account grace@example.com: its posts were left out too (2)",
    ]);
    expect((await service.login("grace@example.com")).status).toBe(200);
    expect((await service.login("grace@example.com", "grace password 1")).status).toBe(400);
    const me = (await (await service.fetch("/users/me", { token: own.token })).json()) as object;
    expect(me).toMatchObject({ email: "Grace@example.com", is_superuser: false });
    expect((await feedOf(service, own.token)).map(({ user_id }) => user_id)).not.toContain(own.id);
    // Once the conflict is gone, a repeated import does the rest.
    await service.services.database.users.change("operator", own, {
      email: "g@example.com",
      emailKey: "g@example.com",
    });
    expect((await importInto(service, file)).accounts).toEqual({ added: 1, known: 2, refused: 1 });
  });

  test("import: reads ids without hyphens and as bytes, a table user, and times without microseconds", async () => {
    await changedSample(
      "alter table users rename to user",
      "update user set id = replace(id, '-', '')",
      `update posts set user_id = unhex(replace(user_id, '-', '')), id = upper(replace(id, '-', ''))`,
      "update posts set created_at = substr(created_at, 1, 19) where file_type = 'video'",
      "update posts set created_at = replace(created_at, ' ', 'T') where file_type = 'image'",
    );
    const { accounts, posts, problems } = await importInto(service, file);
    expect([accounts.added, posts.added, problems]).toEqual([4, 8, []]);
    const found = await feedOf(service, originalToken(ada));
    expect(found.map(({ created_at }) => created_at)).toContain("2026-11-22T12:51:32.000Z");
    expect(found.map(({ id }) => id)).toContain("885e783b-2464-4129-bd93-c12cf6e557e6");
    expect((await importInto(service, sampleDatabase)).posts).toEqual({ ...nothing, known: 8 });
  });

  const elsewhere =
    "its address is not that of a file below https://ik.imagekit.io/demo, where the first file is";
  const badPosts: [value: string, problem: string][] = [
    ["id = 'x\u0007y'", "its id is not a UUID"],
    ["user_id = 5", "the id of its author is not a UUID"],
    [`user_id = '${idOf("user", 9)}'`, "its author has no account in this file"],
    ["file_type = 'text'", "it is neither an image nor a video"],
    ["created_at = null", "it has no valid time"],
    ["created_at = '2026-02-30 10:00:00'", "it has no valid time"],
    ["created_at = '9998-01-01 10:00:00'", "its time is in the future"],
    ["created_at = '1969-12-31 23:59:59'", "it has no valid time"],
    ["caption = x'00ff'", "its caption is not text, or is far too long"],
    ["caption = hex(zeroblob(5000000))", "its caption is not text, or is far too long"],
    ["url = 'javascript:alert(1)'", elsewhere],
    ["url = 'http://169.254.169.254/latest/meta-data'", elsewhere],
    ["url = 'https://ik.imagekit.io@evil.example/demo/x.png'", elsewhere],
    ["url = 'https://ik.imagekit.io/x.png'", elsewhere],
    ["url = '/media/secret.png'", elsewhere],
    ["url = 'https://ik.imagekit.io/demo2/x.png'", elsewhere],
    [
      `url = 'https://ik.imagekit.io/demo/image%2Dsharing/${idOf("post", 99)}.jpg'`,
      "its address is one of this service's own files",
    ],
  ];
  test("import: names rows that are invalid, leaves them out, and imports all others", async () => {
    createOriginal(file, { users: 2, posts: badPosts.length + 3 });
    changeOriginal(file, (database) => {
      badPosts.forEach(([value], i) =>
        database.query(`update posts set ${value} where id = ?`).run(idOf("post", i)),
      );
    });
    const { posts, problems } = await importInto(service, file);
    expect(posts).toEqual({ added: 3, known: 0, refused: badPosts.length });
    for (const [i, [, problem]] of badPosts.entries())
      expect(problems).toContain(
        i === 0 ? `post x\ufffdy: ${problem}` : `post ${idOf("post", i)}: ${problem}`,
      );
    expect(problems.join("\n")).not.toMatch(/[\u0000-\u0009]/);
  });

  test("import: takes only the files of the configured ImageKit account, even if others come first", async () => {
    createOriginal(file, { users: 1, posts: 3, endpoint: "https://ik.imagekit.io/other" });
    const last = [0, 1, 2].map((i) => idOf("post", i)).sort()[2]!;
    const url = "https://ik.imagekit.io/demo/photo.jpg";
    changeOriginal(file, (database) =>
      database.query("update posts set url = ? where id = ?").run(url, last),
    );
    const configured = await importInto(service, file, { urlEndpoint: "https://ik.imagekit.io/demo" });
    expect(configured.posts).toEqual({ added: 1, known: 0, refused: 2 });
    expect(configured.problems[0]).toEndWith(
      ": its address is not that of a file below https://ik.imagekit.io/demo",
    );
    const guessed = await importInto(service, file);
    expect(guessed.posts).toEqual({ added: 2, known: 0, refused: 1 });
    expect(guessed.problems).toEqual([
      `post ${last}: its address is not that of a file below https://ik.imagekit.io/other, where the first file is`,
    ]);
  });

  test("import: reads every row once, whatever types and bytes the ids have", async () => {
    const ids = [
      ...["null", "''", "x''", "9007199254740993", "-9e999", "9e999", "x'ff41'"],
      ...["cast(x'ff41' as text)", "cast(x'41ff' as text)", "cast(x'4100ff' as text)"],
      "hex(zeroblob(5000000))",
    ];
    createOriginal(file, { users: 1, posts: 0 });
    changeOriginal(file, (database) => {
      database.run("drop table posts");
      database.run("create table posts (id, user_id, caption, url, file_type, file_name, created_at)");
    });
    const problem = /^(?:row \d+ of the posts|post .*): its id is not a UUID$/;
    for (const some of [ids, ...ids.map((id) => [id])]) {
      changeOriginal(file, (database) => {
        database.run("delete from posts");
        for (const id of some) database.run(`insert into posts (id) values (${id})`);
      });
      const { posts, problems } = await importInto(service, file);
      expect([some, posts.refused]).toEqual([some, some.length]);
      expect(problems).toEqual(some.map(() => expect.stringMatching(problem)));
    }
  });

  test("import: refuses a file whose index is forged, instead of reading it forever", async () => {
    createOriginal(file, { users: 1, posts: 2 * pageSize + 500 });
    changeOriginal(file, (database) => {
      database.run("update posts set id = format('%06d', rowid)");
    });
    // The last id of the first page becomes less than all others, in its old place of the index.
    const bytes = Buffer.from(await Bun.file(file).arrayBuffer());
    const last = String(pageSize).padStart(6, "0");
    for (let at = bytes.indexOf(last); at !== -1; at = bytes.indexOf(last, at)) bytes.write("000000", at);
    await Bun.write(file, bytes);
    await expect(importInto(service, file)).rejects.toThrow("is damaged or no SQLite database");
  });

  test("import: shortens captions to what the API accepts, and names them", async () => {
    createOriginal(file, { users: 1, posts: 2 });
    changeOriginal(file, (database) => {
      const set = database.query("update posts set caption = ? where id = ?");
      set.run("😀".repeat(maxCaptionLength + 1), idOf("post", 0));
      set.run("a\0b", idOf("post", 1));
    });
    const { changedCaptions, problems } = await importInto(service, file);
    expect([changedCaptions, problems.length]).toEqual([2, 2]);
    const token = originalToken(idOf("user", 0));
    const captions = (await feedOf(service, token)).map(({ caption }) => caption);
    expect(captions).toEqual(["ab", "😀".repeat(maxCaptionLength)]);
  });

  test("import: names accounts that are invalid or share an address, and those whose password cannot be checked", async () => {
    createOriginal(file, { users: 7, posts: 7 });
    changeOriginal(file, (database) => {
      const set = (values: string, number: number) =>
        database.query(`update users set ${values} where id = ?`).run(idOf("user", number));
      set("email = 'a@example.com' || char(13, 10) || 'Bcc: b@example.com'", 0);
      set("is_active = 7", 1);
      set("email = 'USER3@example.com'", 2);
      set("hashed_password = 'md5'", 4);
      set("hashed_password = x'00'", 5);
      set("email = 'admin'", 6);
    });
    const { accounts, posts, problems } = await importInto(service, file);
    expect(accounts).toEqual({ added: 3, known: 0, refused: 4 });
    expect(posts).toEqual({ added: 3, known: 0, refused: 4 });
    expect(problems).toContain(
      "account a@example.com\ufffd\ufffdBcc: b@example.com: its address is not valid text",
    );
    expect(problems).toContain("account user1@example.com: a flag is neither 0 nor 1");
    expect(
      problems.filter((line) => line.endsWith(": another account of this file has its address")),
    ).toHaveLength(1);
    expect(problems).toContain(
      "account user4@example.com: no password matches its hash, so its owner must reset the password",
    );
  });
});
