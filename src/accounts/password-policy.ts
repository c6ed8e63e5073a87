import { addressKey } from "./email-address.ts";
import { commonPasswords } from "./common-passwords.macro.ts" with { type: "macro" };

/** Limits the time that hashing takes. */
const maxPasswordBytes = 1024;

/** Searching a text takes microseconds, while building a set of its lines would add a millisecond to every start. */
const commonByLength = commonPasswords();

/**
 * Checks a new password.
 * @param minLength the minimum number of code points
 * @param email the account's address, which must not be its password in any case
 * @returns the problem in words for the user; undefined when the password is acceptable
 */
export function passwordProblem(
  password: string,
  { minLength, email }: { minLength: number; email: string },
): string | undefined {
  // Bytes first: counting the code points of a long text is slower.
  if (Buffer.byteLength(password) > maxPasswordBytes)
    return `Password should be at most ${maxPasswordBytes.toLocaleString("en")} bytes`;
  if ([...password].length < Math.max(1, minLength))
    return `Password should be at least ${minLength} characters`;
  if (addressKey(password) === addressKey(email)) return "Password should not be the e-mail address";
  if (isCommon(password)) return "Password is too common: it is one of those that are guessed first";
  return undefined;
}

/** Reports whether a password is among the most common ones, in any case. */
function isCommon(password: string): boolean {
  const lowerCase = password.toLowerCase();
  return !password.includes("\n") && Boolean(commonByLength[lowerCase.length]?.includes(`\n${lowerCase}\n`));
}
