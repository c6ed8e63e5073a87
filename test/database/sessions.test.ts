import { expect, test } from "bun:test";

import { addAccount, addSession, actor, at, onEachDatabase } from "../support/databases.ts";

onEachDatabase("sessions", (open) => {
  const hours = (count: number) => new Date(at(0).getTime() + count * 3_600_000);

  test("find: returns the session of a token hash with its account, and nothing for any other hash", async () => {
    const database = await open();
    const ada = await addAccount(database, { tokenVersion: 3, minAccessVersion: 2, isVerified: true });
    const [createdAt, expiresAt] = [hours(0), hours(1)];
    const { id, tokenHash } = await addSession(database, ada.id, { tokenVersion: 2, createdAt, expiresAt });
    expect(await database.sessions.find(tokenHash)).toEqual({
      session: { id, createdAt, lastUsedAt: createdAt, expiresAt, tokenVersion: 2 },
      viewer: {
        id: ada.id,
        email: ada.email,
        name: null,
        isActive: true,
        isSuperuser: false,
        isVerified: true,
      },
    });
    expect(await database.sessions.find(id)).toBeUndefined();
    await database.users.change("operator", ada, { isSuperuser: true });
    expect(await database.sessions.find(tokenHash)).toMatchObject({ viewer: { isSuperuser: true } });
  });

  test("add: refuses an account that is gone, inactive or has another password by now", async () => {
    const database = await open();
    const { users } = database;
    const begin = (userId: string) => addSession(database, userId).catch((error: Error) => error.message);
    expect(await begin(crypto.randomUUID())).toBe("the session was not added");
    const inactive = await addAccount(database, { isActive: false });
    expect(await begin(inactive.id)).toBe("the session was not added");
    const changed = await addAccount(database);
    await users.change("operator", changed, { hashedPassword: "new" });
    expect(await begin(changed.id)).toBe("the session was not added");
    const moved = await addAccount(database);
    await users.change("operator", moved, { email: "new@x.example", emailKey: "new" });
    expect(await begin(moved.id)).toMatchObject({ kind: "session" });
  });

  test("add: ends the session that was used least recently beyond 1,000 of one account", async () => {
    const database = await open();
    const [ada, bob] = [await addAccount(database), await addAccount(database)];
    const ofBob = await addSession(database, bob.id, { createdAt: hours(0), expiresAt: hours(9) });
    const ids: string[] = [];
    for (let i = 0; i < 1000; i++) {
      const times = { createdAt: at(i), expiresAt: hours(9) };
      ids.push((await addSession(database, ada.id, times)).id);
    }
    // The oldest one is in use, so that the second one has to go.
    await database.sessions.extend({ id: ids[0]!, lastUsedAt: at(5000), expiresAt: hours(9) }, hours(9));
    const latest = await addSession(database, ada.id, { createdAt: at(6000), expiresAt: hours(9) });
    const left = (await database.sessions.list(ada.id, hours(2))).map(({ id }) => id);
    expect(left).toEqual([latest.id, ids[0]!, ...ids.slice(2).reverse()]);
    expect(await database.sessions.find(ofBob.tokenHash)).toBeDefined();
  });

  test("extend: records a use once, and not when another request has recorded a later one", async () => {
    const database = await open();
    const ada = await addAccount(database);
    const { id, tokenHash } = await addSession(database, ada.id, { createdAt: at(0), expiresAt: hours(1) });
    const times = async () => {
      const { lastUsedAt, expiresAt } = (await database.sessions.find(tokenHash))!.session;
      return [lastUsedAt, expiresAt];
    };
    await database.sessions.extend({ id, lastUsedAt: at(600), expiresAt: hours(2) }, at(0));
    expect(await times()).toEqual([at(600), hours(2)]);
    await database.sessions.extend({ id, lastUsedAt: at(601), expiresAt: hours(3) }, at(1));
    expect(await times()).toEqual([at(600), hours(2)]);
  });

  test("list: holds the account's own sessions that have not expired, the one used last first", async () => {
    const database = await open();
    const [ada, bob] = [await addAccount(database), await addAccount(database)];
    const begin = (userId: string, from: number, to: number, userAgent: string | null = null) =>
      addSession(database, userId, { createdAt: hours(from), expiresAt: hours(to), userAgent });
    const first = await begin(ada.id, 0, 9, "Phone");
    const second = await begin(ada.id, 1, 9);
    await begin(ada.id, 2, 4);
    await begin(bob.id, 3, 9);
    expect(await database.sessions.list(ada.id, hours(4))).toEqual([
      { id: second.id, createdAt: hours(1), lastUsedAt: hours(1), expiresAt: hours(9), userAgent: null },
      { id: first.id, createdAt: hours(0), lastUsedAt: hours(0), expiresAt: hours(9), userAgent: "Phone" },
    ]);
  });

  test("end: ends one's own session once, and never that of another account", async () => {
    const database = await open();
    const [ada, bob] = [await addAccount(database), await addAccount(database)];
    const { id, tokenHash } = await addSession(database, ada.id);
    expect(await database.sessions.end(actor(bob.id), id)).toBe(false);
    expect(await database.sessions.find(tokenHash)).toBeDefined();
    expect(await database.sessions.end(actor(ada.id), id)).toBe(true);
    expect(await database.sessions.find(tokenHash)).toBeUndefined();
    expect(await database.sessions.end(actor(ada.id), id)).toBe(false);
  });

  test("endOthers: spares the actor's session and other accounts; with an access token it spares none", async () => {
    const database = await open();
    const [ada, bob] = [await addAccount(database), await addAccount(database)];
    const current = await addSession(database, ada.id);
    const others = [await addSession(database, ada.id), await addSession(database, ada.id)];
    const ofBob = await addSession(database, bob.id);
    const left = async () => {
      const found = await Promise.all(
        [current, ...others, ofBob].map(({ tokenHash }) => database.sessions.find(tokenHash)),
      );
      return found.map((session) => session !== undefined);
    };
    await database.sessions.endOthers(actor(ada.id, { credential: current }));
    expect(await left()).toEqual([true, false, false, true]);
    await database.sessions.endOthers(actor(ada.id));
    expect(await left()).toEqual([false, false, false, true]);
  });

  test.each<[string, object]>([
    ["a new password", { hashedPassword: "new" }],
    ["a deactivation", { isActive: false }],
  ])(
    "change: %s ends every session of the account, also when the account is active again",
    async (_, changes) => {
      const database = await open();
      const [ada, bob] = [await addAccount(database), await addAccount(database)];
      const [ofAda, ofBob] = [await addSession(database, ada.id), await addSession(database, bob.id)];
      await database.users.change("operator", ada, changes);
      await database.users.change("operator", ada, { isActive: true });
      expect(await database.sessions.find(ofAda.tokenHash)).toBeUndefined();
      expect(await database.sessions.list(ada.id, at(0))).toEqual([]);
      expect(await database.sessions.find(ofBob.tokenHash)).toBeDefined();
    },
  );

  test("change: a new address ends no session", async () => {
    const database = await open();
    const ada = await addAccount(database);
    const { tokenHash } = await addSession(database, ada.id);
    await database.users.change("operator", ada, { email: "new@x.example", emailKey: "new" });
    expect(await database.sessions.find(tokenHash)).toMatchObject({ viewer: { email: "new@x.example" } });
  });

  test("removeExpired: removes the sessions that expired before the given time", async () => {
    const database = await open();
    const ada = await addAccount(database);
    const expired = await addSession(database, ada.id, { expiresAt: hours(1) });
    const later = await addSession(database, ada.id, { expiresAt: hours(2) });
    await database.sessions.removeExpired(hours(2));
    expect(await database.sessions.find(expired.tokenHash)).toBeUndefined();
    expect(await database.sessions.find(later.tokenHash)).toBeDefined();
  });
});
