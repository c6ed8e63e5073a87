import { expect, test } from "bun:test";

import type { Database } from "../../src/database/database.ts";
import type { User } from "../../src/database/users.ts";
import { account, actor, addAccount, at, onEachDatabase } from "../support/databases.ts";

onEachDatabase("users", (open) => {
  test("an account comes back as it was added, by id and by address key", async () => {
    const { users, ...database } = await open();
    const ada = account({
      email: "Ada.O'Neill+ß😀@example.com",
      emailKey: "ada.o'neill+ss😀@example.com",
      isSuperuser: true,
      createdAt: at(0.001),
      tokenVersion: 7,
      minAccessVersion: 5,
    });
    expect(await users.add(ada)).toBe(true);
    expect(await users.byId(ada.id)).toEqual(ada);
    expect(await users.byEmailKey(ada.emailKey)).toEqual(ada);
    expect(await users.byEmailKey(ada.emailKey.toUpperCase())).toBeUndefined();
    expect(await users.byId(ada.id.toUpperCase())).toBeUndefined();
    expect(await database.ping()).toBeUndefined();
  });

  test("an address is one account's, however many ask for it at once", async () => {
    const database = await open();
    const emailKey = "ada@example.com";
    const added = await Promise.all([1, 2, 3, 4].map(() => database.users.add(account({ emailKey }))));
    expect(added.filter((one) => one)).toHaveLength(1);
    const bob = await addAccount(database);
    const taken = { email: "Ada@example.com", emailKey };
    expect(await database.users.change("operator", bob, taken)).toBe("email taken");
    expect(await database.users.byId(bob.id)).toEqual(bob);
  });

  test("a change gives the account back, unless it is gone", async () => {
    const database = await open();
    const ada = await addAccount(database);
    const changes = { isSuperuser: true, isVerified: true };
    expect(await database.users.change("operator", ada, changes)).toEqual({ ...ada, ...changes });
    expect(await database.users.byId(ada.id)).toEqual({ ...ada, ...changes });
    expect(await database.users.change("operator", account(), changes)).toBeUndefined();
  });

  test("the check of a change sees the account as it is now, and what it throws changes nothing", async () => {
    const database = await open();
    const read = await addAccount(database);
    const now = await move(database, read, "now@example.com");
    const seen: User[] = [];
    const refused = database.users.change("mailed token", read, { hashedPassword: "new" }, (current) => {
      seen.push(current);
      throw new Error("refused");
    });
    await expect(refused).rejects.toThrow("refused");
    expect(seen).toEqual([now]);
    expect(await database.users.byId(read.id)).toEqual(now);
  });

  test("a new password and a deactivation end every token, a new address mailed tokens only", async () => {
    const database = await open();
    const ada = await addAccount(database, { tokenVersion: 3, minAccessVersion: 1 });
    const versions = async (changes: Parameters<typeof database.users.change>[2]) => {
      const changed = await database.users.change("operator", ada, changes);
      if (typeof changed !== "object") throw new Error(String(changed));
      return [changed.tokenVersion, changed.minAccessVersion];
    };
    const { email, emailKey } = ada;
    expect(await versions({ email, emailKey, isActive: true, isVerified: true })).toEqual([3, 1]);
    expect(await versions({ email: email.toUpperCase(), emailKey })).toEqual([4, 1]);
    expect(await versions({ hashedPassword: "new" })).toEqual([5, 5]);
    expect(await versions({ isActive: false })).toEqual([6, 6]);
    expect(await versions({ isActive: true, isSuperuser: true })).toEqual([6, 6]);
    expect(await versions({ email, emailKey, hashedPassword: "newer", isActive: false })).toEqual([7, 7]);
  });

  test("a new hash of the same password replaces the one it was made from, and ends nothing", async () => {
    const database = await open();
    const ada = await addAccount(database);
    await database.users.rehash(ada.id, "another", "new");
    expect(await database.users.byId(ada.id)).toEqual(ada);
    await database.users.rehash(ada.id, ada.hashedPassword, "new");
    expect(await database.users.byId(ada.id)).toEqual({ ...ada, hashedPassword: "new" });
  });

  test("an address is verified only as long as it is exactly the active account's, under the same version", async () => {
    const database = await open();
    const { markVerified } = database.users;
    const ada = await addAccount(database, { tokenVersion: 2 });
    const gone = await addAccount(database, { isActive: false });
    expect(await markVerified(ada.id, "another@example.com", 2)).toBeUndefined();
    expect(await markVerified(ada.id, ada.email.toUpperCase(), 2)).toBeUndefined();
    for (const version of [0, 1, 3]) expect(await markVerified(ada.id, ada.email, version)).toBeUndefined();
    expect(await markVerified(gone.id, gone.email, 0)).toBeUndefined();
    expect(await markVerified(ada.id, ada.email, 2)).toEqual({ ...ada, isVerified: true });
  });

  test("is_verified stays with the exact address, whatever shares its unique key", async () => {
    const database = await open();
    for (const [email, other, stays] of [
      ["admin@example.com", "admin@example.com", true],
      ["admin@example.com", "admın@example.com", false],
      ["strasse@example.com", "straße@example.com", false],
      ["ada@example.com", "Ada@example.com", false],
    ] as const) {
      const ada = await addAccount(database, { email, isVerified: true });
      const changed = await database.users.change("operator", ada, { email: other, emailKey: ada.emailKey });
      expect(changed).toMatchObject({ email: other, isVerified: stays });
    }
  });

  test("is_verified is decided by the account as it is when the change commits, not as it was read", async () => {
    const database = await open();
    const { users } = database;
    // Read while it was at the new address already, and not verified; since then it went back and was verified.
    const read = await addAccount(database, { email: "victim@example.com" });
    const back = await move(database, read, "mine@example.com");
    await users.markVerified(read.id, back.email, back.tokenVersion);
    const { email, emailKey } = read;
    expect(await users.change("operator", read, { email, emailKey })).toMatchObject({ isVerified: false });
  });

  test("a superuser's is_verified counts for the address given with it, or else for the address that was read", async () => {
    const database = await open();
    const { users } = database;
    const read = await addAccount(database);
    const [email, emailKey] = ["new@example.com", "new@example.com"];
    const verified = await users.change("operator", read, { email, emailKey, isVerified: true });
    expect(verified).toMatchObject({ email, isVerified: true });
    expect(await users.change("operator", read, { isVerified: false })).toMatchObject({ isVerified: false });
    expect(await users.change("operator", read, { isVerified: true })).toMatchObject({ isVerified: false });
    const now = { ...read, email };
    expect(await users.change("operator", now, { isVerified: true })).toMatchObject({ isVerified: true });
    expect(await users.change("operator", read, { isVerified: true })).toMatchObject({ isVerified: true });
  });

  test("an access token belongs to its active user from the oldest good version on, until it is revoked", async () => {
    const database = await open();
    const { users, revokedTokens } = database;
    const ada = await addAccount(database, { tokenVersion: 6, minAccessVersion: 5 });
    const viewer = { id: ada.id, email: ada.email, isActive: true, isSuperuser: false, isVerified: false };
    expect(await users.viewer(ada.id, 4, "t1")).toBeUndefined();
    expect(await users.viewer(ada.id, 5, "t1")).toEqual(viewer);
    expect(await users.viewer(ada.id, 6, "t1")).toEqual(viewer);
    expect(await users.viewer(crypto.randomUUID(), 6, "t1")).toBeUndefined();

    const expiresAt = new Date(Date.now() + 1000);
    const bearer = actor(ada.id, { tokenId: "t1", tokenVersion: 5, tokenExpiresAt: expiresAt });
    await revokedTokens.add(bearer);
    await expect(revokedTokens.add(bearer)).rejects.toThrow("UNAUTHORIZED");
    expect(await users.viewer(ada.id, 6, "t1")).toBeUndefined();
    expect(await users.viewer(ada.id, 6, "t2")).toEqual(viewer);
    await revokedTokens.removeExpired(expiresAt);
    expect(await users.viewer(ada.id, 6, "t1")).toBeUndefined();
    await revokedTokens.removeExpired(new Date(expiresAt.getTime() + 1));
    expect(await users.viewer(ada.id, 6, "t1")).toEqual(viewer);

    await users.change("operator", ada, { isActive: false });
    expect(await users.viewer(ada.id, 7, "t2")).toBeUndefined();
  });
});

/** The account moved to another address. */
async function move(database: Database, user: User, email: string): Promise<User> {
  const moved = await database.users.change("operator", user, { email, emailKey: email });
  if (typeof moved !== "object") throw new Error(String(moved));
  return moved;
}
