import type { NodemailerError, Transporter } from "nodemailer";

import { smtpServer } from "../config/smtp-server.ts";
import type { Mailer, MailMessage } from "./mailer.ts";
import { createOutbox, type OutboxOptions } from "./outbox.ts";
import type { Sender } from "../config/mail-sender.ts";

/** Limits that tests replace; see {@link OutboxOptions}. `timeoutMs` applies to each step of a connection. */
type Limits = Pick<OutboxOptions, "retryDelaysMs" | "capacity" | "drainMs"> & { timeoutMs?: number };

/** The configuration of delivery over SMTP. */
export interface SmtpSettings {
  /** The setting `MAIL_URL`; see {@link smtpServer}. */
  url: string;
  from: Sender;
  /** The name that this host sends in EHLO (RFC 5321, 4.1.1.1); the system's host name if undefined. */
  host?: string | undefined;
}

/**
 * Creates a mailer that delivers over SMTP. The first mail loads the library.
 * @throws Error when the URL is not valid
 */
export function createSmtpMailer(
  { url, from, host }: SmtpSettings,
  log: OutboxOptions["log"],
  { timeoutMs = 20_000, ...limits }: Limits = {},
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
        // An object is a single address; the library would parse a string as a list.
        to: { name: "", address: to },
        subject,
        text,
        html,
        headers: { "Auto-Submitted": "auto-generated" },
      });
    },
    explain,
    log,
    ...limits,
  });
}

/** Problems with a certificate by error code, with advice for the operator. */
const certificateProblems: [code: RegExp, cause: string][] = [
  [
    /EXPIRED|NOT_YET_VALID/,
    "The mail server's certificate has expired or is not valid yet. Check it, and the clock of this machine.",
  ],
  [/ALTNAME|HOSTNAME/, "The mail server's certificate is for another host than the one in MAIL_URL."],
  [
    /CERT|SIGNED|ISSUER|VERIFY/,
    "The mail server's certificate is signed by an authority that is not known here. Set the environment variable NODE_EXTRA_CA_CERTS to a file with that authority's certificate, and restart.",
  ],
];

/** Other problems, by the library's error code. */
const otherProblems: Partial<Record<string, string>> = {
  EAUTH: "The mail server rejects the user name or password in MAIL_URL.",
  ETLS: "The mail server offers no TLS, without which the password in MAIL_URL is not sent.",
};

/**
 * Describes an error without its message, which may contain the recipient's address or text of the server. Problems with
 * a certificate and 5yz replies (RFC 5321, 4.2.1) are permanent.
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
