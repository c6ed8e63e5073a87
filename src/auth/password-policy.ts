import { addressKey } from "./email-address.ts";
import { commonPasswords } from "./common-passwords.macro.ts" with { type: "macro" };

const mostBytes = 1024;

/** Texts, because searching one takes microseconds, and making a set of them would cost every start a millisecond. */
const common = commonPasswords();

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
  if (isCommon(password)) return "Password is too common: it is one of those that are guessed first";
  return undefined;
}

/** Whether this is one of the most common passwords, in any case. */
function isCommon(password: string): boolean {
  const lowerCase = password.toLowerCase();
  return !password.includes("\n") && Boolean(common[lowerCase.length]?.includes(`\n${lowerCase}\n`));
}

/**
 * Tells whether a text survives being stored and hashed exactly: no lone surrogate, which would become U+FFFD, and no
 * NUL, which PostgreSQL refuses and bcrypt once took for the end.
 */
export const isWellFormedText = (text: string): boolean => text.isWellFormed() && !text.includes("\0");
