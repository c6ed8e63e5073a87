import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { resetMessage } from "../../src/mail/messages.ts";
import { smtpServer } from "../../src/config/smtp-server.ts";
import { createSmtpMailer } from "../../src/mail/smtp-mailer.ts";
import { relayCertificate } from "../support/relay-certificate.ts";
import { startSmtpSink } from "../support/smtp-sink.ts";

const from = { name: "Image Sharing", address: "no-reply@example.com" };
const token = `${"eyJhbGciOiJIUzI1NiJ9".repeat(8)}.a-b_c=.secret`;
const message = (to = "ann@example.com") =>
  resetMessage({ to, token, lifetime: "one hour", baseUrl: "http://localhost:8000" });

function recordingLog() {
  const lines: [event: string, fields: Record<string, unknown>][] = [];
  const write = (event: string, fields: Record<string, unknown>) => void lines.push([event, fields]);
  return { lines, log: { info: write, warn: write } };
}

test("smtp: delivers sender, recipient, subject, text and HTML", async () => {
  await using sink = startSmtpSink();
  const { log, lines } = recordingLog();
  const mailer = createSmtpMailer({ url: sink.url.replace("//", "//us%40er:p%20w@"), from }, log);
  mailer.send(message());
  const mail = await sink.mail(1);
  await mailer.close();
  expect(mail).toMatchObject({
    from: "no-reply@example.com",
    to: ["ann@example.com"],
    credentials: ["us@er", "p w"],
  });
  expect(mail.headers).toMatchObject({
    to: "ann@example.com",
    from: "Image Sharing <no-reply@example.com>",
    subject: "Set a new password",
    "content-type": expect.stringMatching(/^multipart\/alternative;/),
  });
  expect(mail.text.trimEnd()).toBe(message().text.trimEnd());
  expect(mail.html.trimEnd()).toBe(message().html.trimEnd());
  expect(lines).toEqual([["mail.sent", { domain: "example.com", tries: 1 }]]);
});

test("smtp: delivers to a non-ASCII address, with its domain in Punycode if the local part is ASCII", async () => {
  await using sink = startSmtpSink();
  const mailer = createSmtpMailer({ url: sink.url, from }, recordingLog().log);
  mailer.send(message("ann@bücher.de"));
  mailer.send(message("émile@bücher.de"));
  await mailer.close();
  expect(sink.mails.flatMap(({ to }) => to).sort()).toEqual(["ann@xn--bcher-kva.de", "émile@bücher.de"]);
});

test("smtp: delivers to one recipient even if the address contains commas or line breaks", async () => {
  await using sink = startSmtpSink();
  const mailer = createSmtpMailer({ url: sink.url, from }, recordingLog().log, { retryDelaysMs: [] });
  for (const to of [
    "ann@example.com, eve@example.com",
    "ann@example.com\r\nBcc: eve@example.com",
    "x>\r\nRCPT TO:<eve@example.com",
  ])
    mailer.send(message(to));
  await mailer.close();
  for (const mail of sink.mails) {
    expect(mail.to).toHaveLength(1);
    expect(mail.to).not.toContain("eve@example.com");
    expect(mail.headers).not.toHaveProperty("bcc");
  }
});

test("smtp: delivers a mail once after temporary failures of every kind", async () => {
  await using sink = startSmtpSink();
  const { log, lines } = recordingLog();
  const mailer = createSmtpMailer({ url: sink.url, from }, log, { retryDelaysMs: [1, 1, 1], timeoutMs: 100 });
  sink.failNext("drop", "hang", "451 try later");
  mailer.send(message());
  await sink.mail(1);
  await mailer.close();
  expect(sink.mails).toHaveLength(1);
  expect(lines.map(([event]) => event)).toEqual([
    "mail.delayed",
    "mail.delayed",
    "mail.delayed",
    "mail.sent",
  ]);
});

test("smtp: does not retry after a permanent failure, and logs no address, token or text", async () => {
  await using sink = startSmtpSink();
  const { log, lines } = recordingLog();
  const mailer = createSmtpMailer({ url: sink.url, from }, log, { retryDelaysMs: [1] });
  sink.failNext("550 no such user <ann@example.com>");
  mailer.send(message());
  await mailer.close();
  expect(sink.connections()).toBe(1);
  expect(sink.mails).toBeEmpty();
  expect(lines).toEqual([
    ["mail.failed", expect.objectContaining({ domain: "example.com", tries: 1, responseCode: 550 })],
  ]);
  expect(JSON.stringify(lines)).not.toContain("ann@");
  expect(JSON.stringify(lines)).not.toContain("eyJ");
});

test("smtp: with an unresponsive server, sending never blocks, mails beyond the capacity are dropped, and closing times out", async () => {
  await using sink = startSmtpSink();
  const { log, lines } = recordingLog();
  const mailer = createSmtpMailer({ url: sink.url, from }, log, { capacity: 2, drainMs: 20, timeoutMs: 200 });
  sink.failNext("hang", "hang");
  for (let count = 0; count < 3; count += 1) mailer.send(message());
  expect(lines).toEqual([["mail.dropped", { domain: "example.com", reason: "full" }]]);
  await mailer.close();
  expect(lines.at(-1)).toEqual(["mail.lost", { mails: 2 }]);
  mailer.send(message());
  expect(lines.at(-1)).toEqual(["mail.dropped", { domain: "example.com", reason: "closed" }]);
});

test("smtp: closing retries a waiting mail at once, for the last time", async () => {
  await using sink = startSmtpSink();
  const delayed = Promise.withResolvers<void>();
  const { log } = recordingLog();
  const mailer = createSmtpMailer(
    { url: sink.url, from },
    { ...log, info: (event) => event === "mail.delayed" && delayed.resolve() },
    { retryDelaysMs: [3_600_000] },
  );
  sink.failNext("drop");
  mailer.send(message());
  await delayed.promise;
  await mailer.close();
  expect(sink.mails).toHaveLength(1);
});

test("smtp: requires TLS for credentials and checks certificates, except for a server on the same machine", () => {
  expect(smtpServer("smtp://u:p@mail.example.com")).toEqual({
    host: "mail.example.com",
    port: 587,
    secure: false,
    requireTLS: true,
    auth: { user: "u", pass: "p" },
    tls: { rejectUnauthorized: true },
  });
  expect(smtpServer("smtps://u:p%25@mail.example.com")).toMatchObject({
    port: 465,
    secure: true,
    auth: { pass: "p%" },
    tls: { rejectUnauthorized: true },
  });
  expect(smtpServer("smtp://relay:25")).toMatchObject({ port: 25, requireTLS: false });
  expect(smtpServer("smtp://relay:25")).not.toHaveProperty("auth");
  expect(smtpServer("smtp://u:p@[::1]:25")).toMatchObject({ host: "::1", requireTLS: false });
  expect(smtpServer("smtp://u:p@localhost.example.com")).toMatchObject({ requireTLS: true });
});

test("smtp: sends the configured host name in EHLO", async () => {
  await using sink = startSmtpSink();
  const mailer = createSmtpMailer({ url: sink.url, from, host: "photos.example.com" }, recordingLog().log);
  mailer.send(message());
  expect((await sink.mail(1)).ehlo).toBe("photos.example.com");
  await mailer.close();
});

test("smtp: accepts any character in a sender's name", async () => {
  await using sink = startSmtpSink();
  const sender = { name: `Ann, "Bob" & Søn <x>`, address: "no-reply@example.com" };
  const mailer = createSmtpMailer({ url: sink.url, from: sender }, recordingLog().log);
  mailer.send(message());
  const mail = await sink.mail(1);
  await mailer.close();
  expect(mail.from).toBe("no-reply@example.com");
  expect(mail.headers["from"]).toEndWith(" <no-reply@example.com>");
  expect(mail.headers).not.toHaveProperty("bob");
});

test("smtp: logs one failure with advice when a certificate is signed by an unknown authority", async () => {
  await using sink = startSmtpSink(relayCertificate);
  const { log, lines } = recordingLog();
  const url = sink.url.replace("127.0.0.1", "127.1");
  const mailer = createSmtpMailer({ url, from }, log, { retryDelaysMs: [1] });
  mailer.send(message());
  await mailer.close();
  expect(sink.mails).toBeEmpty();
  expect(lines).toEqual([
    [
      "mail.failed",
      expect.objectContaining({
        domain: "example.com",
        tries: 1,
        cause: expect.stringMatching(/authority that is not known here\. .* NODE_EXTRA_CA_CERTS/),
      }),
    ],
  ]);
});

test("smtp: trusts an authority in NODE_EXTRA_CA_CERTS, and still checks the certificate's host", async () => {
  await using sink = startSmtpSink(relayCertificate);
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-relay-"));
  try {
    await Bun.write(join(folder, "ca.pem"), relayCertificate.cert);
    const script = `
      const { createSmtpMailer } = await import(${JSON.stringify(join(import.meta.dir, "../../src/mail/smtp-mailer.ts"))});
      const write = (event, fields) => console.log(JSON.stringify([event, fields.cause]));
      for (const host of ["127.1", "127.0.1"]) {
        const url = "smtps://" + host + ":${sink.port}";
        const mailer = createSmtpMailer({ url, from: ${JSON.stringify(from)} }, { info: write, warn: write });
        mailer.send({ to: "ann@example.com", subject: "s", text: "t", html: "h" });
        await mailer.close();
      }`;
    const environment = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") };
    const child = Bun.spawn([process.execPath, "-e", script], { env: environment });
    const told = (await new Response(child.stdout).text()).trim().split("\n");
    expect(told.map((line) => JSON.parse(line))).toEqual([
      ["mail.sent", null],
      ["mail.failed", "The mail server's certificate is for another host than the one in MAIL_URL."],
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.each([
  "",
  "mail.example.com",
  "http://mail.example.com",
  "smtp://",
  "smtp://u:secret%@host",
  "smtp://host:0",
  "smtp://host/path",
  "smtp://host:25/?tls=no",
  "smtp://host?pool=true",
  "smtps://host#secret",
  "smtp://u:sec#ret@host",
  "smtp://u:sec/ret@host",
  "smtp://u:sec?ret@host:587",
])("smtp: rejects the mail URL %p without repeating its password", (url) => {
  const refusal = (() => {
    try {
      smtpServer(url);
      return "accepted";
    } catch (error) {
      return (error as Error).message;
    }
  })();
  expect(refusal).toStartWith("must ");
  expect(refusal).not.toMatch(/sec.?ret/);
});
