import { expect, test } from "bun:test";

import { account, addAccount, at, onEachDatabase } from "../support/databases.ts";

onEachDatabase("users", (open) => {
  test("an account comes back as it was added, by id and by address key", async () => {
    const { users, ...database } = await open();
    const ada = account({
      email: "Ada.O'Neill+ß😀@example.com",
      emailKey: "ada.o'neill+ss😀@example.com",
      isSuperuser: true,
      createdAt: at(0.001),
      tokensValidFrom: at(0.999),
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
    expect(await database.users.change(bob.id, { emailKey })).toBe("email taken");
    expect(await database.users.byId(bob.id)).toEqual(bob);
  });

  test("a change gives the account back, unless it is gone or its password is another by now", async () => {
    const database = await open();
    const ada = await addAccount(database);
    const changed = { ...ada, hashedPassword: "new", tokensValidFrom: at(1.002) };
    const changes = { hashedPassword: "new", tokensValidFrom: at(1.002) };
    expect(await database.users.change(ada.id, changes, ada.hashedPassword)).toEqual(changed);
    expect(await database.users.change(ada.id, { isActive: false }, ada.hashedPassword)).toBeUndefined();
    expect(await database.users.change(crypto.randomUUID(), { isActive: false })).toBeUndefined();
    expect(await database.users.byId(ada.id)).toEqual(changed);
  });

  test("an address is verified only as long as it is the active account's", async () => {
    const database = await open();
    const [ada, gone] = [await addAccount(database), await addAccount(database, { isActive: false })];
    expect(await database.users.markVerified(ada.id, "another@example.com")).toBeUndefined();
    expect(await database.users.markVerified(gone.id, gone.email)).toBeUndefined();
    expect(await database.users.markVerified(ada.id, ada.email)).toEqual({ ...ada, isVerified: true });
  });

  test("a token speaks for its active user, to the millisecond of the last password change, until it is revoked", async () => {
    const database = await open();
    const { users, revokedTokens } = database;
    const ada = await addAccount(database, { tokensValidFrom: at(5.123) });
    const viewer = { id: ada.id, email: ada.email, isActive: true, isSuperuser: false, isVerified: false };
    expect(await users.viewer(ada.id, at(5.122), "t1")).toBeUndefined();
    expect(await users.viewer(ada.id, at(5.123), "t1")).toEqual(viewer);
    expect(await users.viewer(ada.id, at(5.124), "t1")).toEqual(viewer);
    expect(await users.viewer(crypto.randomUUID(), at(6), "t1")).toBeUndefined();

    for (const _ of [1, 2]) await revokedTokens.add("t1", at(3600));
    expect(await users.viewer(ada.id, at(6), "t1")).toBeUndefined();
    expect(await users.viewer(ada.id, at(6), "t2")).toEqual(viewer);
    await revokedTokens.removeExpired(at(3600));
    expect(await users.viewer(ada.id, at(6), "t1")).toBeUndefined();
    await revokedTokens.removeExpired(at(3600.001));
    expect(await users.viewer(ada.id, at(6), "t1")).toEqual(viewer);

    await users.change(ada.id, { isActive: false });
    expect(await users.viewer(ada.id, at(6), "t2")).toBeUndefined();
  });
});
