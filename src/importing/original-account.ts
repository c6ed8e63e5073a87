import { addressKey, parseEmailAddress } from "../accounts/email-address.ts";
import type { OriginalRow } from "../database/original-database.ts";
import type { User } from "../database/users.ts";
import { excerpt, isRefusal, readFlag, readId, refuse, type Refusal } from "./original-values.ts";

/** The longest values that the original program stores, in characters. */
const maxAddressLength = 320;
const maxHashLength = 1024;

/** What to call an account in messages: its address, or its row if it has none. */
export const nameOfAccount = ({ row, email }: OriginalRow): string =>
  typeof email === "string" ? `account ${excerpt(email)}` : `row ${row} of the accounts`;

/**
 * Reads an account. An address that this service would not accept at registration is kept, because its owner logs in with
 * it; a hash of an unknown kind too, because its owner can reset the password.
 * @param now the time of the import, because the original program does not record when an account was made
 */
export function readAccount(row: OriginalRow, now: Date): User | Refusal {
  const id = readId(row["id"]);
  if (id === undefined) return refuse("its id is not a UUID");
  const address = readAddress(row["email"]);
  if (isRefusal(address)) return address;
  const hashedPassword = row["hashed_password"];
  if (!isPlainText(hashedPassword, maxHashLength)) return refuse("its password hash is not valid text");
  const isActive = readFlag(row["is_active"]);
  const isSuperuser = readFlag(row["is_superuser"]);
  const isVerified = readFlag(row["is_verified"]);
  if (isActive === undefined || isSuperuser === undefined || isVerified === undefined)
    return refuse("a flag is neither 0 nor 1");
  return {
    ...{ id, hashedPassword, isActive, isSuperuser, isVerified },
    ...address,
    name: null,
    createdAt: now,
    tokenVersion: 0,
    minAccessVersion: 0,
  };
}

function readAddress(value: unknown): Pick<User, "email" | "emailKey"> | Refusal {
  if (!isPlainText(value, maxAddressLength) || value.trim() === "")
    return refuse("its address is not valid text");
  const parsed = parseEmailAddress(value);
  return "problem" in parsed
    ? { email: value.trim(), emailKey: addressKey(value) }
    : { email: parsed.address, emailKey: parsed.uniqueKey };
}

/** Whether a value is text without control characters, which could forge headers of mails. */
const isPlainText = (value: unknown, maxLength: number): value is string =>
  typeof value === "string" && value.length <= maxLength && value.isWellFormed() && !/\p{Cc}/u.test(value);
