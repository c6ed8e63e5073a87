import { expect, test } from "bun:test";

import type { Database } from "../../src/database/database.ts";
import type { User } from "../../src/database/users.ts";
import { accessToken, account, actor, addAccount, at, onEachDatabase } from "../support/databases.ts";

onEachDatabase("users", (open) => {
  test("users: finds an added account by id and by address key", async () => {
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

  test("users: concurrent registrations of one address make one account", async () => {
    const database = await open();
    const emailKey = "ada@example.com";
    const added = await Promise.all([1, 2, 3, 4].map(() => database.users.add(account({ emailKey }))));
    expect(added.filter((one) => one)).toHaveLength(1);
    const bob = await addAccount(database);
    const taken = { email: "Ada@example.com", emailKey };
    expect(await database.users.change("operator", bob, taken)).toBe("email taken");
    expect(await database.users.byId(bob.id)).toEqual(bob);
  });

  test("users: a change returns the account, or undefined if it is deleted", async () => {
    const database = await open();
    const ada = await addAccount(database);
    const changes = { isSuperuser: true, isVerified: true };
    expect(await database.users.change("operator", ada, changes)).toEqual({ ...ada, ...changes });
    expect(await database.users.byId(ada.id)).toEqual({ ...ada, ...changes });
    expect(await database.users.change("operator", account(), changes)).toBeUndefined();
  });

  test("users: the check of a change gets the current account, and its error rolls the change back", async () => {
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

  test("users: a new password and a deactivation invalidate all tokens, a new address only mailed tokens", async () => {
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

  test("users: rehashing replaces only the hash it started from, and invalidates no token", async () => {
    const database = await open();
    const ada = await addAccount(database);
    await database.users.rehash(ada.id, "another", "new");
    expect(await database.users.byId(ada.id)).toEqual(ada);
    await database.users.rehash(ada.id, ada.hashedPassword, "new");
    expect(await database.users.byId(ada.id)).toEqual({ ...ada, hashedPassword: "new" });
  });

  test("users: verifies an address only if it is still the active account's, under the same token version", async () => {
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

  test("users: is_verified belongs to the exact address, not to its unique key", async () => {
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

  test("users: is_verified depends on the account when the change commits, not when it was read", async () => {
    const database = await open();
    const { users } = database;
    // Read with the new, unverified address; since then the account went back to the old one and was verified.
    const read = await addAccount(database, { email: "victim@example.com" });
    const back = await move(database, read, "mine@example.com");
    await users.markVerified(read.id, back.email, back.tokenVersion);
    const { email, emailKey } = read;
    expect(await users.change("operator", read, { email, emailKey })).toMatchObject({ isVerified: false });
  });

  test("users: is_verified from a superuser applies to the given address, or else to the address that was read", async () => {
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

  test("users: an access token is valid for an active user from min_access_version on, until it is revoked", async () => {
    const database = await open();
    const { users, revokedTokens } = database;
    const ada = await addAccount(database, { tokenVersion: 6, minAccessVersion: 5 });
    const viewer = {
      id: ada.id,
      email: ada.email,
      name: null,
      isActive: true,
      isSuperuser: false,
      isVerified: false,
    };
    expect(await users.viewer(ada.id, 4, "t1")).toBeUndefined();
    expect(await users.viewer(ada.id, 5, "t1")).toEqual(viewer);
    expect(await users.viewer(ada.id, 6, "t1")).toEqual(viewer);
    expect(await users.viewer(crypto.randomUUID(), 6, "t1")).toBeUndefined();

    const expiresAt = new Date(Date.now() + 1000);
    const credential = accessToken("t1", expiresAt);
    const bearer = actor(ada.id, { credential, tokenVersion: 5 });
    await revokedTokens.add(bearer, credential);
    await expect(revokedTokens.add(bearer, credential)).rejects.toThrow("UNAUTHORIZED");
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

/** The account with another address. */
async function move(database: Database, user: User, email: string): Promise<User> {
  const moved = await database.users.change("operator", user, { email, emailKey: email });
  if (typeof moved !== "object") throw new Error(String(moved));
  return moved;
}
