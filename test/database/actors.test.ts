import { expect, test } from "bun:test";

import { longestRequestMs, type Actor } from "../../src/database/actors.ts";
import type { Database } from "../../src/database/database.ts";
import type { User } from "../../src/database/users.ts";
import { actor, addAccount, addPost, at, onEachDatabase, reservation, stored } from "../support/databases.ts";

/** Ways in which an actor loses authorization, and the resulting error. */
const losses: [
  string,
  "UNAUTHORIZED" | "FORBIDDEN",
  (database: Database, user: User, by: Actor) => unknown,
][] = [
  ["token was revoked", "UNAUTHORIZED", ({ revokedTokens }, _, by) => revokedTokens.add(by)],
  [
    "password was changed",
    "UNAUTHORIZED",
    ({ users }, user) => users.change("operator", user, { hashedPassword: "new" }),
  ],
  [
    "account was deactivated",
    "UNAUTHORIZED",
    ({ users }, user) => users.change("operator", user, { isActive: false }),
  ],
  [
    "account was deactivated and activated again",
    "UNAUTHORIZED",
    async ({ users }, user) => {
      await users.change("operator", user, { isActive: false });
      await users.change("operator", user, { isActive: true });
    },
  ],
  [
    "account was deleted",
    "UNAUTHORIZED",
    ({ users }, user, by) => users.remove({ ...by, mustBeSuperuser: false }, user.id, at(1), at(2)),
  ],
  [
    "superuser was demoted",
    "FORBIDDEN",
    ({ users }, user) => users.change("operator", user, { isSuperuser: false }),
  ],
  [
    "address must be verified and has changed",
    "FORBIDDEN",
    ({ users }, user) => users.change("operator", user, { email: "new@x.example", emailKey: "new" }),
  ],
];

onEachDatabase("actors: writes", (open) => {
  /** Every write that takes an actor, by one with all requirements set. */
  async function writes(database: Database) {
    const { users, posts, revokedTokens } = database;
    const root = await addAccount(database, { isSuperuser: true, isVerified: true });
    const other = await addAccount(database);
    const by = actor(root.id, { mustBeSuperuser: true, mustBeVerified: true });
    const pending = await addPost(database, root.id);
    const published = await addPost(database, root.id, { publishedAt: at(1) });
    const all: Record<string, () => Promise<unknown>> = {
      "a change of one's own account": () => users.change(by, root, { hashedPassword: "stolen" }),
      "a change of another account": () => users.change(by, other, { isSuperuser: true }),
      "the removal of an account": () => users.remove(by, other.id, at(1), at(2)),
      "a reservation": () => posts.reserve(by, reservation(root.id)),
      "a publication": () => posts.publish(by, pending.id, stored(pending.id), at(2)),
      "the deletion of a post": () => posts.startDeleting(by, published.id, at(2)),
      logout: () => revokedTokens.add(by),
    };
    const state = async () => ({
      root: await users.byId(root.id),
      other: await users.byId(other.id),
      feed: await posts.page(10),
      viewer: await users.viewer(root.id, by.tokenVersion, by.tokenId),
      ...(await posts.countUnfinished()),
    });
    return { root, by, all, state };
  }

  test("actors: a write takes effect while its actor is authorized", async () => {
    const database = await open();
    for (const name of Object.keys((await writes(database)).all)) {
      const { all, state } = await writes(database);
      const before = await state();
      await all[name]!();
      expect([name, await state()]).not.toEqual([name, before]);
    }
  });

  for (const [loss, code, lose] of losses)
    test(`actors: a write changes nothing and throws ${code} once the ${loss}`, async () => {
      const database = await open();
      const { root, by, all, state } = await writes(database);
      await lose(database, root, by);
      const before = await state();
      for (const [name, write] of Object.entries(all)) {
        const outcome = await write().catch((error: unknown) => error);
        expect([name, outcome]).toMatchObject([name, { name: "ApiError", code }]);
      }
      expect(await state()).toEqual(before);
    });

  test("actors: a write may outlive its token by as long as revoked tokens are kept", async () => {
    const database = await open();
    const ada = await addAccount(database);
    const expired = (ms: number) => actor(ada.id, { tokenExpiresAt: new Date(Date.now() - ms) });
    const change = (by: Actor) => database.users.change(by, ada, { isActive: true });
    expect(await change(expired(longestRequestMs - 60_000))).toEqual(ada);
    await expect(change(expired(longestRequestMs + 1))).rejects.toThrow("UNAUTHORIZED");
  });

  test("actors: a write with a token that a new address did not invalidate is allowed", async () => {
    const database = await open();
    const ada = await addAccount(database);
    const by = actor(ada.id);
    await database.users.change(by, ada, { email: "new@x.example", emailKey: "new" });
    expect(await database.users.change(by, ada, { hashedPassword: "new" })).toMatchObject({
      tokenVersion: 2,
      minAccessVersion: 2,
    });
    await expect(database.users.change(by, ada, { hashedPassword: "newer" })).rejects.toThrow("UNAUTHORIZED");
  });
});
