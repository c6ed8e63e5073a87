/** The name that FastAPI Users gives to its cookie. */
const sessionCookieName = "fastapiusersauth";

/** The cookie that carries a session's token (RFC 6265). */
export interface SessionCookie {
  /** @returns the token in a request's cookies, unchecked; undefined without the cookie */
  read(headers: Headers): string | undefined;
  /** @returns the `Set-Cookie` header that stores the token */
  store(token: string): string;
  /** The `Set-Cookie` header that removes the cookie. */
  readonly clear: string;
}

/** @param secure whether browsers may send the cookie over TLS only */
export function createSessionCookie(options: { secure: boolean; maxAgeSeconds: number }): SessionCookie {
  const cookie = (value: string, maxAgeSeconds: number) =>
    `${sessionCookieName}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}` +
    (options.secure ? "; Secure" : "");
  return {
    read(headers) {
      const cookies = headers.get("cookie");
      const value = cookies === null ? null : new Bun.CookieMap(cookies).get(sessionCookieName);
      // RFC 6265, 4.1.1: a value may stand in quotes.
      return value?.replace(/^"(.*)"$/, "$1");
    },
    store: (token) => cookie(token, options.maxAgeSeconds),
    clear: cookie("", 0),
  };
}
