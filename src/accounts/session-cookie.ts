import { cookieHeader, cookieValues } from "../http/cookies.ts";
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
  const { secure } = options;
  const cookie = (value: string, maxAgeSeconds: number) =>
    cookieHeader(sessionCookieName, value, { secure, maxAgeSeconds });
  return {
    read: (headers) => cookieValues(headers, sessionCookieName).find(isSessionToken),
    store: (token) => cookie(token, options.maxAgeSeconds),
    clear: cookie("", 0),
  };
}
