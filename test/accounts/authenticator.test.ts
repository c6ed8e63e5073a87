import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";

import { pngPhoto } from "../support/media-samples.ts";
import { onPostgres } from "../support/postgres.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
let ada: Awaited<ReturnType<TestService["signUp"]>>;
beforeAll(async () => {
  service = await TestService.start();
  ada = await service.signUp("ada@example.com");
  await service.upload(ada.token, new Blob([await pngPhoto()]));
});
afterAll(() => service.close());

/** Lets another process change the SQLite database; on PostgreSQL that is what every test's second node is. */
async function elsewhere(statement: string): Promise<void> {
  const path = JSON.stringify(join(service.dataDir, "image-sharing.db"));
  const source = `import { Database } from "bun:sqlite"; const db = new Database(${path}); db.run(${JSON.stringify(statement)}); db.close();`;
  const { exited } = Bun.spawn([process.execPath, "-e", source], { stderr: "inherit" });
  expect(await exited).toBe(0);
}

const status = async (path: string, token = ada.token) => (await service.fetch(path, { token })).status;
const me = async () => (await (await service.fetch("/users/me", { token: ada.token })).json()) as object;

/** Waits until the service shows what another process committed, which takes it up to 100 ms. */
async function eventually(read: () => Promise<unknown>, expected: unknown): Promise<void> {
  const until = performance.now() + 5000;
  while (!Bun.deepEquals(await read(), expected))
    if (performance.now() > until) expect(await read()).toEqual(expected);
}

test.skipIf(onPostgres)(
  "authenticator: a write of another process shows in every cached look-up a moment later",
  async () => {
    expect(await status("/users/me")).toBe(200);
    await elsewhere("update users set is_active = 0");
    await eventually(() => status("/users/me"), 401);
    await elsewhere("update users set is_active = 1");
    await eventually(() => status("/users/me"), 200);

    expect(await status(`/users/${ada.id}`)).toBe(403);
    await elsewhere("update users set is_superuser = 1");
    await eventually(() => status(`/users/${ada.id}`), 200);

    const feed = async () => (await service.fetch("/feed", { token: ada.token })).text();
    const posts = async () => (JSON.parse(await feed()) as { posts: { email: string }[] }).posts;
    const emails = async () => (await posts()).map(({ email }) => email);
    expect(await emails()).toEqual(["ada@example.com"]);
    await elsewhere("update users set email = 'ada@example.org'");
    await eventually(emails, ["ada@example.org"]);
    expect(await me()).toMatchObject({ email: "ada@example.org" });
    const media = /\/media\/[^"]+/.exec(await feed())![0];
    expect(await status(media)).toBe(200);
    await elsewhere("update posts set state = 'deleting'");
    await eventually(() => status(media), 404);
    expect(await feed()).toBe('{"posts":[],"next_cursor":null}');

    const tokenId = (JSON.parse(atob(ada.token.split(".")[1]!)) as { jti: string }).jti;
    await elsewhere(`insert into revoked_tokens values ('${tokenId}', ${Date.now() + 3_600_000})`);
    await eventually(() => status("/users/me"), 401);
  },
);

test("a token that the service itself ends is dead for the very next request, whatever else goes on", async () => {
  const others = await Promise.all(Array.from({ length: 5 }, () => service.signUp()));
  for (const { token } of others) {
    const logOut = () => service.fetch("/auth/jwt/logout", { method: "POST", token });
    const [before, after] = await Promise.all([
      status("/users/me", token),
      logOut().then(() => status("/users/me", token)),
    ]);
    expect([200, 401]).toContain(before);
    expect(after).toBe(401);
    expect(await status("/users/me", token)).toBe(401);
  }
});
