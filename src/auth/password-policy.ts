import { addressKey } from "./email-address.ts";

const mostBytes = 1024;

/**
 * Tells what is wrong with a new password, in words for its user; undefined when it will do.
 * @param minLength in characters as people count them: code points
 * @param email the account's address, which must not be its password, whatever its case
 */
export function passwordProblem(
  password: string,
  { minLength, email }: { minLength: number; email: string },
): string | undefined {
  // Bytes first: counting the characters of a megabyte is work.
  if (Buffer.byteLength(password) > mostBytes)
    return `Password should be at most ${mostBytes.toLocaleString("en")} bytes`;
  if ([...password].length < Math.max(1, minLength))
    return `Password should be at least ${minLength} characters`;
  if (addressKey(password) === addressKey(email)) return "Password should not be the e-mail address";
  return undefined;
}

/**
 * Tells whether a text survives being stored and hashed exactly: no lone surrogate, which would become U+FFFD, and no
 * NUL, which PostgreSQL refuses and bcrypt once took for the end.
 */
export const isWellFormedText = (text: string): boolean => text.isWellFormed() && !text.includes("\0");
