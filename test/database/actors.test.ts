import { expect, test } from "bun:test";

import { longestRequestMs, type Actor, type Credential } from "../../src/database/actors.ts";
import type { Database } from "../../src/database/database.ts";
import type { User } from "../../src/database/users.ts";
import {
  accessToken,
  actor,
  addAccount,
  addPost,
  addSession,
  at,
  onEachDatabase,
  reservation,
  stored,
} from "../support/databases.ts";

function logOut({ revokedTokens, sessions }: Database, _: User, by: Actor): Promise<unknown> {
  const { credential } = by;
  return credential.kind === "token" ? revokedTokens.add(by, credential) : sessions.end(by, credential.id);
}

/** Ways in which an actor loses authorization, and the resulting error. */
const losses: [
  string,
  "UNAUTHORIZED" | "FORBIDDEN",
  (database: Database, user: User, by: Actor) => unknown,
][] = [
  ["credential was ended", "UNAUTHORIZED", logOut],
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

const kinds = ["token", "session"] as const;

onEachDatabase("actors: writes", (open) => {
  /** Every write that takes an actor, of an actor that must be all that an actor can have to be. */
  async function writes(database: Database, kind: Credential["kind"]) {
    const { users, posts, reports, sessions } = database;
    const root = await addAccount(database, { isSuperuser: true, isVerified: true });
    const other = await addAccount(database);
    const credential = kind === "token" ? accessToken() : await addSession(database, root.id);
    const by = actor(root.id, { credential, mustBeSuperuser: true, mustBeVerified: true });
    const otherSession = await addSession(database, root.id);
    const pending = await addPost(database, root.id);
    const published = await addPost(database, root.id, { publishedAt: at(1) });
    const reported = await addPost(database, other.id, { publishedAt: at(1) });
    await reports.add(actor(other.id), reported.id, "x", at(1));
    const [report] = await reports.page(1, undefined);
    const all: Record<string, () => Promise<unknown>> = {
      "a change of one's own account": () => users.change(by, root, { hashedPassword: "stolen" }),
      "a change of another account": () => users.change(by, other, { isSuperuser: true }),
      "the removal of an account": () => users.remove(by, other.id, at(1), at(2)),
      "a reservation": () => posts.reserve(by, reservation(root.id)),
      "a publication": () => posts.publish(by, pending.id, stored(pending.id), at(2)),
      "the edit of a post": () => posts.edit(by, published.id, { alt: "stolen" }, at(2)),
      "a report": () => reports.add(by, reported.id, "x", at(2)),
      "the dismissal of a report": () => reports.remove(by, report!.id),
      "the deletion of a post": () => posts.startDeleting(by, published.id, at(2)),
      logout: () => logOut(database, root, by),
      "the end of another session": () => sessions.end(by, otherSession.id),
      "the end of all other sessions": () => sessions.endOthers(by),
    };
    const state = async () => ({
      root: await users.byId(root.id),
      other: await users.byId(other.id),
      feed: await posts.page(10),
      reports: await reports.page(10, undefined),
      viewer: await users.viewer(root.id, by.tokenVersion, by.credential.id),
      sessions: await sessions.list(root.id, new Date()),
      ...(await posts.countUnfinished()),
    });
    return { root, by, all, state };
  }

  test.each(kinds)("actors: a write takes effect while the actor is authorized by a %s", async (kind) => {
    const database = await open();
    for (const name of Object.keys((await writes(database, kind)).all)) {
      const { all, state } = await writes(database, kind);
      const before = await state();
      await all[name]!();
      expect([name, await state()]).not.toEqual([name, before]);
    }
  });

  for (const [loss, code, lose] of losses)
    test.each(kinds)(
      `actors: a write changes nothing and throws ${code} once the ${loss}, by a %s`,
      async (kind) => {
        const database = await open();
        const { root, by, all, state } = await writes(database, kind);
        await lose(database, root, by);
        const before = await state();
        for (const [name, write] of Object.entries(all)) {
          const outcome = await write().catch((error: unknown) => error);
          expect([name, outcome]).toMatchObject([name, { name: "ApiError", code }]);
        }
        expect(await state()).toEqual(before);
      },
    );

  test("actors: a write may outlive its token by as long as revoked tokens are kept", async () => {
    const database = await open();
    const ada = await addAccount(database);
    const expired = (ms: number) =>
      actor(ada.id, { credential: accessToken("t", new Date(Date.now() - ms)) });
    const change = (by: Actor) => database.users.change(by, ada, { isActive: true });
    expect(await change(expired(longestRequestMs - 60_000))).toEqual(ada);
    await expect(change(expired(longestRequestMs + 1))).rejects.toThrow("UNAUTHORIZED");
  });

  test("actors: the operator publishes for an account, also after a new password, until it is deactivated or deleted", async () => {
    const database = await open();
    const { users, posts } = database;
    const ada = await addAccount(database);
    const operator = { userId: ada.id, credential: "operator" } as const;
    await users.change("operator", ada, { hashedPassword: "new" });
    const post = reservation(ada.id);
    expect(await posts.reserve(operator, post)).toBe("reserved");
    expect(await posts.publish(operator, post.id, stored(post.id), at(1))).toBeDate();
    await users.change("operator", ada, { isActive: false });
    await expect(posts.reserve(operator, reservation(ada.id))).rejects.toThrow("UNAUTHORIZED");
    await users.remove(actor((await addAccount(database)).id), ada.id, at(1), at(2));
    await expect(posts.reserve(operator, reservation(ada.id))).rejects.toThrow("UNAUTHORIZED");
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
