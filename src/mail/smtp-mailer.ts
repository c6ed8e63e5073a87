import type { Transporter } from "nodemailer";

import type { Mailer, MailMessage } from "./mailer.ts";
import { createOutbox, type OutboxOptions } from "./outbox.ts";

/** How the mail server is reached. */
export interface SmtpServer {
  host: string;
  port: number;
  secure: boolean;
  requireTLS: boolean;
  auth?: { user: string; pass: string };
  tls: { rejectUnauthorized: boolean };
}

/**
 * Reads `smtp://user:password@host:587` (STARTTLS when offered) or `smtps://…` (TLS from the start).
 * Credentials never leave this machine without TLS; a relay on this machine may have a certificate of its own making.
 * @throws Error with a plain sentence that does not repeat the password
 */
export function smtpServer(mailUrl: string): SmtpServer {
  const url = URL.canParse(mailUrl) ? new URL(mailUrl) : undefined;
  if (!url?.hostname || !["smtp:", "smtps:"].includes(url.protocol))
    throw new Error("must look like smtp://user:password@host:587 or smtps://user:password@host");
  const secure = url.protocol === "smtps:";
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const local = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host);
  const user = decoded(url.username);
  return {
    host,
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    requireTLS: !secure && !local && user !== "",
    ...(user !== "" && { auth: { user, pass: decoded(url.password) } }),
    tls: { rejectUnauthorized: !local },
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error("must have user and password percent-encoded (a % itself is %25)");
  }
}

/** Tunes for tests; see {@link OutboxOptions}. */
type Patience = Pick<OutboxOptions, "retryDelaysMs" | "capacity" | "drainMs"> & { timeoutMs?: number };

/**
 * A mailer over SMTP. The library is loaded with the first mail.
 * @param from the sender as in the setting `MAIL_FROM`: an address, or `Name <address>`
 * @throws Error when the URL is of no use
 */
export function createSmtpMailer(
  mailUrl: string,
  from: string,
  log: OutboxOptions["log"],
  { timeoutMs = 20_000, ...patience }: Patience = {},
): Mailer {
  const server = smtpServer(mailUrl);
  let transport: Promise<Transporter> | undefined;
  const open = async (): Promise<Transporter> =>
    (await import("nodemailer")).createTransport({
      ...server,
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

/** The error's message may hold the address and the server's words, so only its codes are told. 5yz is for good (RFC 5321, 4.2.1). */
function explain(error: unknown) {
  const { code, responseCode, command } = (error ?? {}) as Record<string, unknown>;
  return {
    temporary: !(typeof responseCode === "number" && responseCode >= 500),
    fields: {
      code,
      responseCode,
      command: typeof command === "string" ? command.split(" ", 1)[0] : undefined,
    },
  };
}
