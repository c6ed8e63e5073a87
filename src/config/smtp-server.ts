/** Connection options of the mail server. */
export interface SmtpServer {
  host: string;
  port: number;
  secure: boolean;
  requireTLS: boolean;
  auth?: { user: string; pass: string };
  tls: { rejectUnauthorized: boolean };
}

/**
 * Parses `smtp://user:password@host:587` (STARTTLS if offered) or `smtps://…` (TLS from the start). Credentials are never
 * sent to another machine without TLS. A relay on this machine may use a self-signed certificate.
 * @throws Error with a sentence that does not repeat the password
 */
export function smtpServer(mailUrl: string): SmtpServer {
  const [, authority, more] = /^smtps?:\/\/([^/?#]*)\/?(.*)$/i.exec(mailUrl) ?? [];
  // An SMTP URL has no path, query or fragment. Most likely this is part of the password.
  if (authority && more)
    throw new Error("must end with its host and port; in a password, write / as %2F, ? as %3F and # as %23");
  const url = authority ? URL.parse(mailUrl) : null;
  if (!url?.hostname || url.port === "0")
    throw new Error("must look like smtp://user:password@host:587 or smtps://user:password@host");
  const secure = url.protocol === "smtps:";
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const isLocal = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host);
  const user = decode(url.username);
  return {
    host,
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    requireTLS: !secure && !isLocal && user !== "",
    ...(user !== "" && { auth: { user, pass: decode(url.password) } }),
    tls: { rejectUnauthorized: !isLocal },
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error("must have user and password percent-encoded (a % itself is %25)");
  }
}
