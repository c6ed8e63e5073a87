import { isSessionToken } from "./sessions.ts";

/** The name that FastAPI Users gives to its cookie. */
const sessionCookieName = "fastapiusersauth";

/** The cookie that carries a session's token (RFC 6265). */
export interface SessionCookie {
  /**
   * @returns the token in a request's cookies, unchecked; undefined without one. Other services below the same domain may
   * have set cookies of the same name, which come in any order (RFC 6265, 4.2.2).
   */
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
    read: (headers) => valuesOf(headers.get("cookie") ?? "").find(isSessionToken),
    store: (token) => cookie(token, options.maxAgeSeconds),
    clear: cookie("", 0),
  };
}

/** The values of all cookies of the name in a `Cookie` header. A value may stand in quotes (RFC 6265, 4.1.1). */
const valuesOf = (cookies: string): string[] =>
  cookies.split(";").flatMap((pair) => {
    const [name = "", value = ""] = pair.split("=", 2);
    return name.trim() === sessionCookieName ? [value.trim().replace(/^"(.*)"$/, "$1")] : [];
  });
