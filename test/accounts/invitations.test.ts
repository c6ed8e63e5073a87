import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { createAccount } from "../../src/accounts/accounts.ts";
import { createInvitationTokens } from "../../src/accounts/invitation-tokens.ts";
import { TestService } from "../support/service.ts";

const password = "correct horse battery";
const services: Record<"open" | "invite" | "closed", TestService> = {} as never;
beforeAll(async () => {
  for (const policy of ["open", "invite", "closed"] as const) {
    services[policy] = await TestService.start({
      REGISTRATION: policy,
      PUBLIC_URL: "https://photos.example.com",
    });
    await addSuperuser(services[policy]);
  }
});
afterAll(async () => {
  for (const service of Object.values(services)) await service.close();
});

/** Adds a superuser as the command does, whatever the policy. */
async function addSuperuser(service: TestService): Promise<void> {
  const email = { address: "root@example.com", uniqueKey: "root@example.com" };
  const user = await createAccount(service.services, { email, password, name: null }, []);
  await service.promote(user);
  const login = (await (await service.login(email.address)).json()) as { access_token: string };
  tokens.set(service, login.access_token);
}
const tokens = new Map<TestService, string>();

interface Invitation {
  id: string;
  url: string;
  email: string | null;
  expires_at: string;
  uses_left: number;
}
const invite = async (service: TestService, json: object = {}): Promise<Invitation> => {
  const answer = await service.fetch("/invitations", { token: tokens.get(service), json });
  expect(answer.status).toBe(201);
  return (await answer.json()) as Invitation;
};
const invitationIn = (url: string) => new URLSearchParams(new URL(url).hash.split("?")[1]).get("invitation")!;
const register = async (service: TestService, email: string, invitation?: unknown, others: object = {}) => {
  const answer = await service.fetch("/auth/register", { json: { email, password, invitation, ...others } });
  return [answer.status, ((await answer.json()) as { detail?: unknown }).detail];
};
const bad = [400, "REGISTER_BAD_INVITATION"];
const welcome = [201, undefined];

describe("registration", () => {
  test("register: needs an invitation unless registration is open", async () => {
    expect(await register(services.open, "free@example.com")).toEqual(welcome);
    for (const none of [undefined, null]) {
      expect(await register(services.invite, "free@example.com", none)).toEqual(bad);
      expect(await register(services.closed, "free@example.com", none)).toEqual([403, "REGISTER_CLOSED"]);
    }
  });

  test("register: a superuser's invitation lets one account in with every policy", async () => {
    for (const service of Object.values(services)) {
      const invitation = invitationIn((await invite(service)).url);
      expect(await register(service, "invited@example.com", invitation)).toEqual(welcome);
      expect(await register(service, "second@example.com", invitation)).toEqual(bad);
    }
  });

  test("register: rejects a bad invitation with every policy", async () => {
    const foreign = createInvitationTokens("another secret, of more than 32 bytes");
    for (const service of Object.values(services)) {
      const { id, url } = await invite(service);
      const good = invitationIn(url);
      const changed = (good[0] === "A" ? "B" : "A") + good.slice(1);
      const unknown = service.services.invitationTokens.tokenOf(Bun.randomUUIDv7());
      for (const invitation of [
        "",
        "x",
        changed,
        `${good}=`,
        `${good}\n`,
        unknown,
        foreign.tokenOf(id),
        id,
        "\0",
      ])
        expect([invitation, await register(service, "bad@example.com", invitation)]).toEqual([
          invitation,
          bad,
        ]);
    }
  });

  test("register: an invitation for an address lets only that address in, in any case", async () => {
    const service = services.closed;
    const { url, email } = await invite(service, { email: "Grace@example.com" });
    expect(email).toBe("Grace@example.com");
    expect(await register(service, "eve@example.com", invitationIn(url))).toEqual(bad);
    expect(await register(service, "grace@EXAMPLE.com", invitationIn(url))).toEqual(welcome);
  });

  test("register: of concurrent registrations as many succeed as the invitation has uses", async () => {
    const service = services.invite;
    const invitation = invitationIn((await invite(service, { uses: 2 })).url);
    const outcomes = await Promise.all(
      Array.from({ length: 6 }, (_, i) => register(service, `rush-${i}@example.com`, invitation)),
    );
    expect(outcomes.filter(([status]) => status === 201)).toHaveLength(2);
    expect(outcomes.filter(([status]) => status !== 201)).toEqual(Array.from({ length: 4 }, () => bad));
  });

  test("register: of concurrent registrations of one address one succeeds, and the invitation loses one use", async () => {
    const service = services.invite;
    const { id, url } = await invite(service, { uses: 3 });
    const outcomes = await Promise.all(
      Array.from({ length: 4 }, (_, i) =>
        register(service, i % 2 ? "Twice@example.com" : "twice@example.com", invitationIn(url)),
      ),
    );
    const taken = [400, "REGISTER_USER_ALREADY_EXISTS"];
    expect(outcomes.sort()).toEqual([welcome, taken, taken, taken]);
    const page = await service.services.database.invitations.page(100, undefined, new Date());
    expect(page.find((one) => one.id === id)?.usesLeft).toBe(2);
  });

  test("register: answers REGISTER_BAD_INVITATION when the invitation is withdrawn or used up during hashing", async () => {
    const service = services.invite;
    const withdrawn = await invite(service);
    const withdraw = () =>
      service.fetch(`/invitations/${withdrawn.id}`, { method: "DELETE", token: tokens.get(service) });
    expect(
      await register(
        service.interrupted("hashing", withdraw),
        "late-1@example.com",
        invitationIn(withdrawn.url),
      ),
    ).toEqual(bad);
    const used = invitationIn((await invite(service)).url);
    const use = () => register(service, "early@example.com", used);
    expect(await register(service.interrupted("hashing", use), "late-2@example.com", used)).toEqual(bad);
    for (const late of ["late-1", "late-2"])
      expect(await service.services.database.users.byEmailKey(`${late}@example.com`)).toBeUndefined();
  });

  test("register: answers 422 before 403 and 400, and a bad invitation before a weak password", async () => {
    expect((await register(services.closed, "nobody"))[0]).toBe(422);
    expect((await register(services.closed, "a@example.com", 7))[0]).toBe(422);
    expect(await register(services.closed, "a@example.com", "x", { password: "short" })).toEqual(bad);
  });

  test("register: a weak password and a taken address use no invitation up", async () => {
    const service = services.invite;
    const invitation = invitationIn((await invite(service)).url);
    const [, weak] = await register(service, "weak@example.com", invitation, { password: "short" });
    expect(weak).toMatchObject({ code: "REGISTER_INVALID_PASSWORD" });
    expect(await register(service, "root@example.com", invitation)).toEqual([
      400,
      "REGISTER_USER_ALREADY_EXISTS",
    ]);
    expect(await register(service, "strong@example.com", invitation)).toEqual(welcome);
  });
});

describe("/invitations", () => {
  test("POST /invitations: has defaults, and a link to the page", async () => {
    const invitation = await invite(services.open);
    expect(invitation).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      url: expect.stringMatching(/^https:\/\/photos\.example\.com\/#\/register\?invitation=[\w-]{64}$/),
      email: null,
      expires_at: expect.any(String),
      uses_left: 1,
    });
    const days = (Date.parse(invitation.expires_at) - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(7);
  });

  test("POST /invitations: takes null for the default of every field, and documents it", async () => {
    const service = services.open;
    const invitation = await invite(service, { email: null, expires_in_days: null, uses: null });
    expect(invitation).toMatchObject({ email: null, uses_left: 1 });
    expect(Math.round((Date.parse(invitation.expires_at) - Date.now()) / 86_400_000)).toBe(7);
    const { components } = (await (await service.fetch("/openapi.json")).json()) as {
      components: { schemas: Record<string, unknown> };
    };
    expect(components.schemas["CreateInvitationBody"]).toMatchObject({
      properties: {
        email: { type: "string", format: "email", nullable: true },
        expires_in_days: { type: "integer", minimum: 1, maximum: 90, default: 7, nullable: true },
        uses: { type: "integer", minimum: 1, maximum: 1000, default: 1, nullable: true },
      },
    });
  });

  test("POST /invitations: mails an invitation for an address, and no other", async () => {
    const service = services.open;
    const before = service.mails.length;
    await invite(service, { email: null, expires_in_days: 90, uses: 1000 });
    expect(service.mails).toHaveLength(before);
    const { url } = await invite(service, { email: "friend@example.com", expires_in_days: 1 });
    const mails = service.mails.slice(before);
    expect(mails.map(({ to }) => to)).toEqual(["friend@example.com"]);
    expect(mails[0]?.text).toContain(`\n${url}\n`);
    expect(mails[0]?.text).toStartWith(
      "You are invited to create an account at photos.example.com; the link works for one day.",
    );
  });

  test.each([
    [{ email: "nobody" }, "email", "value_error"],
    [{ email: 7 }, "email", "string_type"],
    [{ expires_in_days: 0 }, "expires_in_days", "greater_than_equal"],
    [{ expires_in_days: 91 }, "expires_in_days", "less_than_equal"],
    [{ expires_in_days: "7" }, "expires_in_days", "int_parsing"],
    [{ uses: 0 }, "uses", "greater_than_equal"],
    [{ uses: 1001 }, "uses", "less_than_equal"],
    [{ uses: 1.5 }, "uses", "int_parsing"],
  ])("POST /invitations: rejects %j with 422", async (json, field, type) => {
    const answer = await services.open.fetch("/invitations", { token: tokens.get(services.open), json });
    expect([answer.status, await answer.json()]).toMatchObject([
      422,
      { detail: [{ type, loc: ["body", field] }] },
    ]);
  });

  test("GET /invitations: lists invitations newest first, in pages, with their links", async () => {
    const service = services.open;
    const [first, second] = [
      await invite(service),
      await invite(service, { email: "b@example.com", uses: 5 }),
    ];
    const get = async (query: string) =>
      (await (await service.fetch(`/invitations${query}`, { token: tokens.get(service) })).json()) as {
        invitations: Invitation[];
        next_cursor: string;
      };
    const page = await get("?limit=1");
    expect(page.invitations).toEqual([second]);
    expect((await get(`?limit=1&cursor=${page.next_cursor}`)).invitations).toEqual([first]);
  });

  test("DELETE /invitations/{id}: withdraws an invitation, once", async () => {
    const service = services.invite;
    const { id, url } = await invite(service);
    const remove = async (which: string) =>
      (await service.fetch(`/invitations/${which}`, { method: "DELETE", token: tokens.get(service) })).status;
    expect(await remove(id.toUpperCase())).toBe(204);
    expect([await remove(id), await remove("x"), await remove("%00")]).toEqual([404, 404, 404]);
    expect(await register(service, "late@example.com", invitationIn(url))).toEqual(bad);
  });

  test("/invitations: answers 401 without a token and 403 to other users, before 422 and 404", async () => {
    const service = services.open;
    const user = await service.signUp();
    for (const [path, init] of [
      ["/invitations", { json: { uses: 0 } }],
      ["/invitations?limit=0", {}],
      ["/invitations/x", { method: "DELETE" }],
    ] as const) {
      expect((await service.fetch(path, { ...init, token: user.token })).status).toBe(403);
      expect((await service.fetch(path, init)).status).toBe(401);
    }
  });

  test("sweeper: removes expired invitations", async () => {
    const { database, sweeper } = services.open.services;
    const id = Bun.randomUUIDv7();
    const [createdAt, expiresAt] = [new Date(0), new Date(1000)];
    await database.invitations.add("operator", {
      id,
      email: null,
      emailKey: null,
      createdAt,
      expiresAt,
      usesLeft: 1,
    });
    const idsAtStart = async () =>
      (await database.invitations.page(200, undefined, new Date(0))).map((one) => one.id);
    expect(await idsAtStart()).toContain(id);
    await sweeper.sweep();
    expect(await idsAtStart()).not.toContain(id);
  });

  test("/invitations: leave audit lines without the token", async () => {
    const service = services.open;
    const { id, url } = await invite(service);
    await service.fetch(`/invitations/${id}`, { method: "DELETE", token: tokens.get(service) });
    const lines = service.logged
      .filter((line) => line.includes(id))
      .map((line) => JSON.parse(line) as object);
    expect(lines).toMatchObject([
      { event: "invitation.created", actor: expect.any(String) },
      { event: "invitation.deleted", actor: expect.any(String) },
    ]);
    expect(service.logged.join("")).not.toContain(invitationIn(url));
  });
});
