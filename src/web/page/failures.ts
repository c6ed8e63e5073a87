import { duration } from "./times.ts";

const expiredLink = "This link has expired or was already used. Ask for a new one.";

/** The API's codes and messages in plain words. */
const words: Record<string, string> = {
  LOGIN_BAD_CREDENTIALS: "Wrong email or password.",
  LOGIN_USER_NOT_VERIFIED: "Your email address isn't verified yet. Check your inbox for the link we sent.",
  REGISTER_USER_ALREADY_EXISTS: "There is already an account with this email address. Sign in instead?",
  RESET_PASSWORD_BAD_TOKEN: expiredLink,
  VERIFY_USER_BAD_TOKEN: expiredLink,
  VERIFY_USER_ALREADY_VERIFIED: "This email address is already verified.",
  UPDATE_USER_EMAIL_ALREADY_EXISTS: "Another account already uses this email address.",
  Unauthorized: "You've been signed out. Sign in to continue.",
  // Among the page's requests, the API answers 403 Forbidden only to accounts that must verify their address first.
  Forbidden: "Verify your email address to continue. Check your inbox for the link we sent.",
  "Password should not be the e-mail address": "Your password can't be your email address.",
  "the file is empty": "This file is empty.",
};

interface Problem {
  loc: (string | number)[];
  msg: string;
}
type Detail = string | { code: string; reason: string } | Problem[];

/** An answer that says no. */
export class Failure extends Error {
  /** Seconds to wait before a retry; undefined without a valid `Retry-After` (RFC 9110, 10.2.3). */
  readonly retryAfterSeconds: number | undefined;

  /**
   * @param status HTTP status; 0 when there was no response
   * @param retryAfter value of the `Retry-After` header
   * @param sent what the request uploaded, for messages about limits
   */
  constructor(
    readonly status: number,
    readonly detail?: Detail,
    retryAfter: string | null = null,
    sent: "Photos" | "Videos" | "Files" = "Files",
  ) {
    const seconds = retryAfter === null ? undefined : secondsUntil(retryAfter);
    super(explain(status, detail, seconds, sent));
    this.retryAfterSeconds = seconds;
  }
  get code(): string | undefined {
    return typeof this.detail === "string" ? this.detail : undefined;
  }
}

function secondsUntil(retryAfter: string): number | undefined {
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter);
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - Date.now()) / 1000);
}

/** What to tell a person about it. */
function explain(
  status: number,
  detail: Detail | undefined,
  seconds: number | undefined,
  sent: string,
): string {
  if (status === 0) return "No connection. Check your network and try again.";
  if (status === 429)
    return `Too many attempts. Try again ${seconds === undefined ? "later" : `in ${duration(seconds)}`}.`;
  if (Array.isArray(detail)) return detail.map(explainProblem).join(" ");
  if (typeof detail === "object") return words[detail.reason] ?? sentence(detail.reason);
  if (detail !== undefined && words[detail]) return words[detail];
  if (status === 413) return tooLarge(detail, sent);
  if (status >= 500 && status !== 507) return "Something went wrong on our side. Please try again shortly.";
  return detail ? sentence(detail) : "That did not work. Please try again.";
}

/** Rewords one entry of a 422's detail. */
function explainProblem({ loc, msg }: Problem): string {
  if (msg.startsWith("value is not a valid email address")) return "Enter a valid email address.";
  const own = /^Value error, (.*)/.exec(msg)?.[1];
  if (own !== undefined) return words[own] ?? sentence(own);
  return sentence(`${loc.at(-1)}: ${msg}`);
}

/** States the limit in units that file managers use. */
function tooLarge(detail = "", sent: string): string {
  const bytes = Number(/at most (\d+) bytes/.exec(detail)?.[1]);
  return bytes > 0 ? `${sent} can be up to ${size(bytes)}.` : "This file is too large.";
}

function size(bytes: number): string {
  const [amount, unit] = (
    [
      [bytes / 1024 ** 3, "GB"],
      [bytes / 1024 ** 2, "MB"],
      [bytes / 1024, "KB"],
    ] as const
  ).find(([amount]) => amount >= 1) ?? [bytes, "bytes"];
  return `${Math.floor(amount * 10) / 10} ${unit}`;
}

const sentence = (text: string) =>
  text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
