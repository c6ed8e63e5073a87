import { expect, test } from "bun:test";

import type { Database } from "../../src/database/database.ts";
import type { Invitation } from "../../src/database/invitations.ts";
import { account, actor, addAccount, at, onEachDatabase } from "../support/databases.ts";

async function addInvitation(database: Database, changes: Partial<Invitation> = {}): Promise<string> {
  const id = Bun.randomUUIDv7();
  const invitation = { id, email: null, emailKey: null, createdAt: at(0), expiresAt: at(100), usesLeft: 1 };
  await database.invitations.add("operator", { ...invitation, ...changes });
  return id;
}

onEachDatabase("invitations", (open) => {
  test("invitations.register: adds as many accounts as the invitation has uses, however many register at once", async () => {
    const database = await open();
    const { invitations, users } = database;
    const id = await addInvitation(database, { usesLeft: 3 });
    const people = Array.from({ length: 8 }, () => account());
    const outcomes = await Promise.all(people.map((user) => invitations.register(id, user, at(1))));
    expect(outcomes.filter((outcome) => outcome === "registered")).toHaveLength(3);
    expect(outcomes.filter((outcome) => outcome === "bad invitation")).toHaveLength(5);
    const found = await Promise.all(people.map(({ id: userId }) => users.byId(userId)));
    expect(found.map((user) => user !== undefined)).toEqual(
      outcomes.map((outcome) => outcome === "registered"),
    );
    expect(await invitations.isUsable(id, "x", at(1))).toBe(false);
  });

  test("invitations.register: a taken address uses nothing up", async () => {
    const database = await open();
    const id = await addInvitation(database);
    const taken = await addAccount(database);
    const rival = account({ emailKey: taken.emailKey });
    expect(await database.invitations.register(id, rival, at(1))).toBe("email taken");
    expect(await database.invitations.page(1, undefined, at(1))).toMatchObject([{ usesLeft: 1 }]);
    expect(await database.invitations.register(id, account(), at(1))).toBe("registered");
    expect(await database.invitations.page(1, undefined, at(1))).toMatchObject([{ usesLeft: 0 }]);
  });

  test("invitations: are good until they expire, and only for their address", async () => {
    const database = await open();
    const { invitations } = database;
    const id = await addInvitation(database, { email: "Ada@example.com", emailKey: "ada@example.com" });
    const usable = (emailKey: string, seconds: number) => invitations.isUsable(id, emailKey, at(seconds));
    expect(await usable("ada@example.com", 99.999)).toBe(true);
    expect(await usable("ada@example.com", 100)).toBe(false);
    expect(await usable("eve@example.com", 1)).toBe(false);
    expect(await invitations.isUsable(crypto.randomUUID(), "ada@example.com", at(1))).toBe(false);
    expect(await invitations.register(id, account(), at(1))).toBe("bad invitation");
    const ada = account({ emailKey: "ada@example.com" });
    expect(await invitations.register(id, ada, at(100))).toBe("bad invitation");
    expect(await invitations.register(id, ada, at(1))).toBe("registered");
  });

  test("invitations: are listed newest first until they expire, and then removed", async () => {
    const database = await open();
    const { invitations } = database;
    const ids = [];
    for (let i = 0; i < 4; i++)
      ids.unshift(await addInvitation(database, { createdAt: at(i), expiresAt: at(100 + i) }));
    const page = async (limit: number, after: Invitation | undefined, seconds = 5) =>
      invitations.page(limit, after, at(seconds));
    const first = await page(3, undefined);
    expect(first.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    expect((await page(3, first[2])).map(({ id }) => id)).toEqual(ids.slice(3));
    expect((await page(9, undefined, 101)).map(({ id }) => id)).toEqual(ids.slice(0, 2));
    await invitations.removeExpired(at(101));
    expect((await page(9, undefined)).map(({ id }) => id)).toEqual(ids.slice(0, 2));
  });

  test("invitations: only an active superuser adds and removes them", async () => {
    const database = await open();
    const { invitations, users } = database;
    const root = await addAccount(database, { isSuperuser: true });
    const superuser = actor(root.id, { mustBeSuperuser: true });
    const id = Bun.randomUUIDv7();
    const invitation = { id, email: null, emailKey: null, createdAt: at(0), expiresAt: at(9), usesLeft: 1 };
    await invitations.add(superuser, invitation);
    expect(await invitations.remove(superuser, crypto.randomUUID())).toBe(false);
    await users.change("operator", root, { isSuperuser: false });
    await expect(invitations.remove(superuser, id)).rejects.toThrow("FORBIDDEN");
    await expect(invitations.add(superuser, { ...invitation, id: Bun.randomUUIDv7() })).rejects.toThrow(
      "FORBIDDEN",
    );
    await users.change("operator", root, { isSuperuser: true });
    expect(await invitations.remove(superuser, id)).toBe(true);
    expect(await invitations.remove(superuser, id)).toBe(false);
  });
});
