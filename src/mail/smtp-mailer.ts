import type { NodemailerError, Transporter } from "nodemailer";

import { smtpServer } from "../config/smtp-server.ts";
import type { Mailer, MailMessage } from "./mailer.ts";
import { createOutbox, type OutboxOptions } from "./outbox.ts";
import type { Sender } from "./sender.ts";

/** Tunes for tests; see {@link OutboxOptions}. */
type Patience = Pick<OutboxOptions, "retryDelaysMs" | "capacity" | "drainMs"> & { timeoutMs?: number };

/** How mails are sent over SMTP. */
export interface SmtpSettings {
  /** As in the setting `MAIL_URL`; see {@link smtpServer}. */
  url: string;
  from: Sender;
  /** What this host calls itself (EHLO, RFC 5321, 4.1.1.1); undefined: its name. */
  host?: string | undefined;
}

/**
 * A mailer over SMTP. The library is loaded with the first mail.
 * @throws Error when the URL is of no use
 */
export function createSmtpMailer(
  { url, from, host }: SmtpSettings,
  log: OutboxOptions["log"],
  { timeoutMs = 20_000, ...patience }: Patience = {},
): Mailer {
  const server = smtpServer(url);
  let transport: Promise<Transporter> | undefined;
  const open = async (): Promise<Transporter> =>
    (await import("nodemailer")).createTransport({
      ...server,
      ...(host !== undefined && { name: host }),
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      dnsTimeout: timeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  return createOutbox({
    async deliver({ to, subject, text, html }: MailMessage) {
      transport ??= open();
      await (
        await transport
      ).sendMail({
        from,
        // As an object it is one address, never read as a list or a header.
        to: { name: "", address: to },
        subject,
        text,
        html,
        headers: { "Auto-Submitted": "auto-generated" },
      });
    },
    explain,
    log,
    ...patience,
  });
}

/** Certificates that a connection is refused for, and what to do. */
const certificateProblems: [code: RegExp, cause: string][] = [
  [
    /EXPIRED|NOT_YET_VALID/,
    "The mail server's certificate has expired or is not valid yet: look at it, and at this machine's clock.",
  ],
  [/ALTNAME|HOSTNAME/, "The mail server's certificate is for another host than the one in MAIL_URL."],
  [
    /CERT|SIGNED|ISSUER|VERIFY/,
    "The mail server's certificate is signed by an authority that is not known here: name a file with that authority's certificate in the environment variable NODE_EXTRA_CA_CERTS, and start again.",
  ],
];

/** Problems that the library has codes for. */
const otherProblems: Partial<Record<string, string>> = {
  EAUTH: "The mail server refuses the user or password in MAIL_URL.",
  ETLS: "The mail server offers no TLS, without which the password in MAIL_URL is not sent.",
};

/**
 * The error's message may hold the address and the server's words, so only codes are told, and the causes that an operator
 * can remove. Certificates and replies of 5yz are for good (RFC 5321, 4.2.1).
 */
function explain(error: unknown) {
  const { code, originalCode, responseCode, command } = (error ?? {}) as NodemailerError;
  const problem = certificateProblems.find(([codes]) => codes.test(originalCode ?? ""))?.[1];
  return {
    temporary: !problem && !(typeof responseCode === "number" && responseCode >= 500),
    fields: {
      cause: problem ?? otherProblems[code ?? ""],
      code: originalCode ?? code,
      responseCode,
      command: command?.split(" ", 1)[0],
    },
  };
}
