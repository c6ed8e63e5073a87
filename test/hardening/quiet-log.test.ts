import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { pngPhoto } from "../support/media-samples.ts";
import { onPostgres } from "../support/postgres.ts";
import { ServiceProcess } from "../support/process.ts";
import { startSmtpSink, type SmtpSink } from "../support/smtp-sink.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

let sink: SmtpSink;
let service: ServiceProcess;
beforeAll(async () => {
  sink = startSmtpSink();
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-quiet-log-"));
  const mailUrl = new URL(sink.url);
  [mailUrl.username, mailUrl.password] = ["mail-user", "mail-password"];
  const settings = {
    LOG_LEVEL: "debug",
    MAIL_URL: mailUrl.href,
    JWT_SECRET_KEY: "a secret of more than thirty-two bytes, for tests",
  };
  service = new ServiceProcess(folder, settings, { log: join(folder, "log") });
  await service.start();
});
afterAll(async () => {
  await service.kill();
  await sink[Symbol.asyncDispose]();
  await rm(service.dataDir, { recursive: true, force: true });
});

/** Values that must never be logged, by source. Each occurs in a request or mail below. */
const secrets: Record<string, string> = {
  "a secret of the settings": "thirty-two bytes",
  "the mail server's password": "mail-password",
  "an address": "ada.lovelace",
  "an address of no account": "grace.hopper",
  "the hash of an address of no account": new Bun.CryptoHasher("sha256")
    .update("grace.hopper@example.com")
    .digest("base64url")
    .slice(0, 20),
  "a password": "first-password-7c1",
  "a wrong password": "wrong-password-7c1",
  "a new password": "second-password-7c1",
  "a weak password": "weak7c1",
  "an invalid token": "none-such-token-7c1",
  "a name in a query": "query-name-7c1",
  "a value in a query": "query-value-7c1",
  "a path segment": "path-piece-7c1",
  "a caption": "caption-7c1",
  "a file name": "file-name-7c1",
  "the body of a mail": "the link works for one hour",
};
const email = `${secrets["an address"]}@example.com`;
const query = `?${secrets["a name in a query"]}=${secrets["a value in a query"]}`;

async function ask(
  method: string,
  path: string,
  { token, json, body }: { token?: string; json?: unknown; body?: BodyInit } = {},
): Promise<{ status: number; body: Record<string, unknown> | null }> {
  const answer = await fetch(`${service.address}${path}${query}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(json === undefined ? body !== undefined && { body } : { body: JSON.stringify(json) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? null : (JSON.parse(text) as Record<string, unknown>) };
}
const login = (password: string, username = email) =>
  ask("POST", "/auth/jwt/login", { body: new URLSearchParams({ username, password }) });

async function upload(token: string, file: Uint8Array<ArrayBuffer>) {
  const body = new FormData();
  body.set("file", new Blob([file]), `${secrets["a file name"]}.png`);
  body.set("caption", secrets["a caption"]!);
  return ask("POST", "/upload", { token, body });
}

/** The token in the mail with this number, which is a secret from then on. */
async function mailedToken(number: number): Promise<string> {
  const { text } = await sink.mail(number);
  const token = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(text)?.[0] ?? "";
  return (secrets[`the token of mail ${number}`] = token);
}

// Drops a SQLite table.
test.skipIf(onPostgres)(
  "quiet log: contains no secrets, addresses, passwords, captions or file names even at level debug",
  async () => {
    const [first, second] = [secrets["a password"]!, secrets["a new password"]!];
    const weak = secrets["a weak password"]!;
    const none = secrets["an invalid token"]!;
    const post = (path: string, json: unknown) => ask("POST", `/auth/${path}`, { json });
    const statuses: number[] = [];
    const note = <Answer extends { status: number }>(answer: Answer) => (
      statuses.push(answer.status),
      answer
    );

    note(await post("register", { email, password: weak }));
    note(await post("register", { email, password: first }));
    note(await post("register", { email, password: first }));
    note(await post("register", { email: `${email}@`, password: [first] }));
    note(await login(secrets["a wrong password"]!));
    note(await login(first, `${secrets["an address of no account"]}@example.com`));
    const { body } = note(await login(first));
    const token = (secrets["an access token"] = String(body?.["access_token"]));
    note(await ask("GET", "/users/me", { token: none }));
    note(await ask("GET", `/posts/${secrets["a path segment"]}`, { token }));
    note(await ask("GET", `/${secrets["a path segment"]}`));

    // The server rejects the first mail permanently and accepts the next.
    sink.failNext("550 no");
    note(await post("request-verify-token", { email }));
    await until(() => sink.connections() > 0);
    note(await post("request-verify-token", { email }));
    note(await post("verify", { token: none }));
    note(await post("verify", { token: await mailedToken(1) }));
    note(await post("forgot-password", { email }));
    note(await post("reset-password", { token: none, password: second }));
    const reset = await mailedToken(2);
    note(await post("reset-password", { token: reset, password: weak }));
    note(await post("reset-password", { token: reset, password: second }));

    const { body: again } = note(await login(second));
    const fresh = (secrets["another access token"] = String(again?.["access_token"]));
    note(await ask("PATCH", "/users/me", { token: fresh, json: { password: weak } }));
    note(await upload(fresh, new TextEncoder().encode("no picture")));
    note(await upload(fresh, await pngPhoto()));
    note(await ask("POST", "/auth/jwt/logout", { token: fresh }));
    expect(statuses).toEqual([
      ...[400, 201, 400, 422, 400, 400, 200, 401, 404, 404],
      ...[202, 202, 400, 200, 202, 400, 400, 200],
      ...[200, 400, 415, 200, 204],
    ]);

    // drizzle's message of a failed query contains its parameters.
    const database = new Database(join(service.dataDir, "image-sharing.db"));
    const { hash } = database.query("select hashed_password as hash from users").get() as { hash: string };
    secrets["a password's hash"] = hash.slice(hash.lastIndexOf("$"));
    database.run("alter table users rename to gone");
    database.close();
    expect((await login(second)).status).toBe(500);
    expect((await post("register", { email, password: first })).status).toBe(500);

    expect(await service.stop()).toBe(0);
    const log = await Bun.file(join(service.dataDir, "log")!).text();
    for (const event of [
      ...["request", "request.failed", "login.succeeded", "login.failed"],
      ...["mail.sent", "mail.failed", "service.stopping"],
    ])
      expect(log).toContain(`"event":"${event}"`);
    // Only login events name the client's network, so that operators can ban it.
    for (const line of log.split("\n"))
      if (line.includes("127.0.0.1")) expect(line).toMatch(/"event":"login\.(succeeded|failed)"/);
    for (const [what, secret] of Object.entries(secrets)) {
      expect([what, secret.length > 5]).toEqual([what, true]);
      expect([what, log.includes(secret)]).toEqual([what, false]);
    }
  },
);
