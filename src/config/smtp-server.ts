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
  const [, authority, more] = /^smtps?:\/\/([^/?#]*)\/?(.*)$/i.exec(mailUrl) ?? [];
  // A path, a query and a fragment mean nothing here. Most likely they are a part of the password.
  if (authority && more)
    throw new Error("must end with its host and port; in a password, write / as %2F, ? as %3F and # as %23");
  const url = authority ? URL.parse(mailUrl) : null;
  if (!url?.hostname || url.port === "0")
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
