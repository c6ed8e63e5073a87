import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { hasPostgres, freshDatabase } from "../support/postgres.ts";
import { command, ServiceProcess } from "../support/process.ts";
import { startSmtpSink } from "../support/smtp-sink.ts";

setDefaultTimeout(90_000);

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "image-sharing-invite-"))));
afterEach(() => rm(folder, { recursive: true, force: true }));

const settings = (): Record<string, string> => ({
  DATA_DIR: folder,
  REGISTRATION: "closed",
  PUBLIC_URL: "https://photos.example.com/our",
});

async function invite(args: string[], environment: Record<string, string> = {}) {
  const child = Bun.spawn([...command, "invite", ...args], {
    env: { PATH: process.env["PATH"], ...settings(), ...environment },
    cwd: folder,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, error] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { out, error, status: await child.exited };
}

const link = /^https:\/\/photos\.example\.com\/our\/#\/register\?invitation=([\w-]{64})$/m;

async function register(service: ServiceProcess, email: string, invitation: string): Promise<number> {
  const body = JSON.stringify({ email, password: "correct horse battery", invitation });
  const headers = { "content-type": "application/json" };
  return (await service.fetch("/auth/register", { method: "POST", headers, body })).status;
}

describe("invite", () => {
  test("invite: lets the first person in on a closed service that has never run", async () => {
    const { out, error, status } = await invite([], { PUBLIC_URL: "" });
    expect([status, error]).toEqual([0, ""]);
    expect(out).toContain("PUBLIC_URL is not set, so the link leads to this machine (localhost).\n");
    expect(out).toContain(`There was no database in ${folder}, so the command created one.`);
    const [, invitation = ""] = /^http:\/\/localhost:8000\/#\/register\?invitation=(.*)$/m.exec(out) ?? [];
    const service = new ServiceProcess(folder, settings());
    await service.start();
    try {
      expect(await register(service, "first@example.com", invitation)).toBe(201);
      expect(await register(service, "second@example.com", invitation)).toBe(400);
    } finally {
      await service.kill();
    }
  });

  const databases: [string, () => Promise<Record<string, string>>][] = [
    ["SQLite", async () => ({})],
    ["PostgreSQL", async () => ({ DATABASE_URL: await freshDatabase() })],
  ];
  for (const [name, database] of databases)
    test.skipIf(name === "PostgreSQL" && !hasPostgres)(
      `invite: works while the service runs on ${name}`,
      async () => {
        const environment = await database();
        const service = new ServiceProcess(folder, { ...settings(), ...environment });
        await service.start();
        try {
          const { out, error, status } = await invite(["Ada@example.com"], environment);
          expect([status, error]).toEqual([0, ""]);
          expect(out).toMatch(
            /^This link is good for one account of Ada@example\.com, until \d{4}-\d\d-\d\d:\n/,
          );
          const [, invitation = ""] = link.exec(out) ?? [];
          expect(await register(service, "eve@example.com", invitation)).toBe(400);
          expect(await register(service, "ada@example.com", invitation)).toBe(201);
        } finally {
          await service.kill();
        }
      },
    );

  test("invite: mails the link where a mail server is configured, and says so when it cannot", async () => {
    await using sink = startSmtpSink();
    const mailed = await invite(["ada@example.com"], { MAIL_URL: sink.url });
    expect(mailed.out).toContain("It was mailed to ada@example.com.\n");
    const mail = await sink.mail(1);
    expect(mail.to).toEqual(["ada@example.com"]);
    expect(mail.text).toContain(link.exec(mailed.out)![0]);
    sink.failNext("550 no such user");
    const failed = await invite(["eve@example.com"], { MAIL_URL: sink.url });
    expect(failed).toMatchObject({ status: 0, error: "" });
    expect(failed.out).toMatch(link);
    expect(failed.out).toContain("It could not be mailed to eve@example.com: send the link yourself.\n");
    expect((await invite([], { MAIL_URL: sink.url })).out).not.toContain("mailed");
    expect(sink.mails).toHaveLength(1);
  });

  test("invite: makes no invitation for an address that has an account", async () => {
    const service = new ServiceProcess(folder, { ...settings(), REGISTRATION: "open" });
    await service.start();
    try {
      await service.signUp("ada@example.com");
      expect(await invite(["Ada@example.com"])).toEqual({
        out: "",
        error: "Ada@example.com already has an account.\n",
        status: 1,
      });
    } finally {
      await service.kill();
    }
  });

  test("invite: rejects an invalid address, and a second argument", async () => {
    expect(await invite(["nobody"])).toEqual({
      out: "",
      error: "nobody is not a valid email address: An email address must have an @-sign.\n",
      status: 1,
    });
    expect(await invite(["a@example.com", "b@example.com"])).toMatchObject({ out: "", status: 2 });
    expect(await invite([""])).toMatchObject({ out: "", status: 2 });
  });
});
