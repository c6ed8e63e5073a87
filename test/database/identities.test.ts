import { expect, test } from "bun:test";

import type { ChangeAuthority } from "../../src/database/users.ts";
import { account, actor, addAccount, at, onEachDatabase } from "../support/databases.ts";

const identity = (subject: string, email: string | null = null) => ({
  issuer: "https://id.example.com",
  subject,
  email,
});

onEachDatabase("identities", (open) => {
  test("identities: one belongs to one account, and several to an account", async () => {
    const database = await open();
    const { identities } = database;
    const [ada, grace] = [await addAccount(database), await addAccount(database)];
    expect(await identities.link(actor(ada.id), identity("a"), at(1))).toBe("linked");
    expect(await identities.link(actor(ada.id), identity("a"), at(2))).toBe("already");
    expect(await identities.link(actor(grace.id), identity("a"), at(2))).toBe("taken");
    expect(await identities.link(actor(ada.id), identity("A"), at(2))).toBe("linked");
    const other = { ...identity("a"), issuer: "https://id.example.org" };
    expect(await identities.link(actor(grace.id), other, at(2))).toBe("linked");
    expect((await identities.list(ada.id)).map(({ subject }) => subject)).toEqual(["a", "A"]);
    expect((await identities.use(identity("a"), at(3)))?.id).toBe(ada.id);
    expect(await identities.use(identity("b"), at(3))).toBeUndefined();
  });

  test("identities: a use records its time and the address at the provider", async () => {
    const database = await open();
    const user = await addAccount(database);
    await database.identities.link(actor(user.id), identity("a", "old@example.com"), at(1));
    await database.identities.use(identity("a", "new@example.com"), at(9));
    const [found] = await database.identities.list(user.id);
    expect(found).toMatchObject({ email: "new@example.com", createdAt: at(1), lastUsedAt: at(9) });
  });

  test("identities: a registration adds account and identity, or neither, and spends no invitation then", async () => {
    const database = await open();
    const { identities, invitations, users } = database;
    const invitation = { id: Bun.randomUUIDv7(), email: null, emailKey: null, usesLeft: 1 };
    await invitations.add("operator", { ...invitation, createdAt: at(0), expiresAt: at(60) });
    const first = account();
    expect(await identities.register(first, identity("a"), undefined)).toBe("registered");
    const second = account();
    expect(await identities.register(second, identity("a"), invitation.id)).toBe("identity taken");
    expect(await users.byId(second.id)).toBeUndefined();
    const sameEmail = account({ email: first.email, emailKey: first.emailKey });
    expect(await identities.register(sameEmail, identity("b"), invitation.id)).toBe("email taken");
    expect(await identities.register(second, identity("b"), invitation.id)).toBe("registered");
    expect(await identities.register(account(), identity("c"), invitation.id)).toBe("bad invitation");
  });

  test("identities: an account is linked by its address only while it is active, verified and unchanged", async () => {
    const database = await open();
    const { identities, users } = database;
    const user = await addAccount(database, { isVerified: true });
    const stale = { ...user, email: "another@example.com" };
    expect(await identities.linkByAddress(stale, identity("a"), at(1))).toBe(false);
    for (const changes of [{ isVerified: false }, { isVerified: true, isActive: false }]) {
      await users.change("operator", user, changes);
      expect(await identities.linkByAddress(user, identity("a"), at(1))).toBe(false);
    }
    await users.change("operator", user, { isActive: true });
    expect(await identities.linkByAddress(user, identity("a"), at(1))).toBe(true);
    expect(await identities.linkByAddress(user, identity("a"), at(1))).toBe(false);
  });

  test("identities: unlinking checks what remains, and ends with the actor's rights", async () => {
    const database = await open();
    const { identities, users } = database;
    const user = await addAccount(database);
    for (const [i, subject] of ["a", "b"].entries())
      await identities.link(actor(user.id), identity(subject), at(i));
    const [a, b] = await identities.list(user.id);
    const remaining: string[][] = [];
    const check = (_: unknown, rest: readonly { subject: string }[]) =>
      void remaining.push(rest.map(({ subject }) => subject));
    expect(await identities.unlink(actor(user.id), crypto.randomUUID(), check)).toBe(false);
    expect(await identities.unlink(actor(user.id), a!.id, check)).toBe(true);
    const refuse = () => {
      throw new Error("the last one");
    };
    expect(identities.unlink(actor(user.id), b!.id, refuse)).rejects.toThrow("the last one");
    expect(remaining).toEqual([["b"]]);
    await users.change("operator", user, { isActive: false });
    expect(identities.unlink(actor(user.id), b!.id, check)).rejects.toThrow("UNAUTHORIZED");
    expect(identities.link(actor(user.id), identity("c"), at(1))).rejects.toThrow("UNAUTHORIZED");
  });

  test("identities: end with their account", async () => {
    const database = await open();
    const user = await addAccount(database);
    await database.identities.link(actor(user.id), identity("a"), at(1));
    await database.users.remove(actor(user.id), user.id, at(2), at(2));
    expect(await database.identities.list(user.id)).toEqual([]);
    expect(await database.identities.use(identity("a"), at(3))).toBeUndefined();
  });

  test("identities: a use during a password reset finds no account, or the account as it was before", async () => {
    const database = await open();
    const user = await addAccount(database, { isVerified: false });
    await database.identities.link(actor(user.id), identity("a"), at(1));
    const [found] = await Promise.all([
      database.identities.use(identity("a"), at(2)),
      database.users.change("mailed token", user, { hashedPassword: "new" }),
    ]);
    // A session for the new version would survive the reset, which removes the identity and ends every session.
    expect([undefined, user.tokenVersion]).toContain(found?.tokenVersion);
    expect(await database.identities.use(identity("a"), at(3))).toBeUndefined();
  });

  test("identities: end when somebody else sets the password of an account whose address is not verified", async () => {
    const database = await open();
    const { identities, users } = database;
    const superuser = await addAccount(database, { isSuperuser: true });
    const changes = { hashedPassword: "new" };
    const remainAfter = async (authority: ChangeAuthority | undefined, isVerified: boolean) => {
      const user = await addAccount(database, { isVerified });
      await identities.link(actor(user.id), identity(user.id), at(1));
      await users.change(authority ?? actor(user.id), user, changes);
      return (await identities.list(user.id)).length === 1;
    };
    const asSuperuser = actor(superuser.id, { mustBeSuperuser: true });
    for (const authority of ["mailed token", "operator", asSuperuser] as const) {
      expect(await remainAfter(authority, false)).toBe(false);
      expect(await remainAfter(authority, true)).toBe(true);
    }
    expect(await remainAfter(undefined, false)).toBe(true);
  });

  test("one-time tokens: exactly one of concurrent calls spends one, and it stays spent until it is swept", async () => {
    const { revokedTokens } = await open();
    const spends = await Promise.all([1, 2, 3, 4].map(() => revokedTokens.spend("once", at(10))));
    expect(spends.filter(Boolean)).toHaveLength(1);
    await revokedTokens.removeExpired(at(9));
    expect(await revokedTokens.spend("once", at(10))).toBe(false);
    await revokedTokens.removeExpired(at(11));
    expect(await revokedTokens.spend("once", at(20))).toBe(true);
  });
});
