/**
 * Returns the values of all cookies of a name in a request's `Cookie` header. A value may stand in quotes (RFC 6265,
 * 4.1.1).
 */
export const cookieValues = (headers: Headers, wanted: string): string[] =>
  (headers.get("cookie") ?? "").split(";").flatMap((pair) => {
    const [name = "", value = ""] = pair.split("=", 2);
    return name.trim() === wanted ? [value.trim().replace(/^"(.*)"$/, "$1")] : [];
  });

/**
 * Returns the `Set-Cookie` header of a cookie that scripts cannot read, and that browsers do not send with requests of
 * other websites, except when the user follows a link.
 * @param value base64url, so that it needs no quoting; empty with an age of 0 to remove the cookie
 * @param options `secure`: whether browsers may send it over TLS only
 */
export const cookieHeader = (
  name: string,
  value: string,
  { secure, maxAgeSeconds }: { secure: boolean; maxAgeSeconds: number },
): string =>
  `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}${secure ? "; Secure" : ""}`;
