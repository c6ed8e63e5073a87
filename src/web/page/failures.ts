import type { apiErrors } from "../../errors.ts";
import { maxBytesOf } from "../../limits.ts";
import { duration } from "./times.ts";

const expiredLink = "This link has expired or was already used. Ask for a new one.";

/** What the API sends as `detail`: codes and sentences. */
type ApiDetail = (typeof apiErrors)[keyof typeof apiErrors]["detail"];

/** Messages that replace the `detail` of an error. */
const messages: Partial<Record<ApiDetail, string>> = {
  LOGIN_BAD_CREDENTIALS: "Wrong email or password.",
  LOGIN_USER_NOT_VERIFIED: "Your email address isn't verified yet. Check your inbox for the link we sent.",
  REGISTER_USER_ALREADY_EXISTS: "There is already an account with this email address. Sign in instead?",
  REGISTER_CLOSED: "New accounts need an invitation here. Ask the people who run this service for one.",
  REGISTER_BAD_INVITATION:
    "This invitation has expired, was already used, or is for another email address. Ask for a new one.",
  RESET_PASSWORD_BAD_TOKEN: expiredLink,
  VERIFY_USER_BAD_TOKEN: expiredLink,
  VERIFY_USER_ALREADY_VERIFIED: "This email address is already verified.",
  UPDATE_USER_EMAIL_ALREADY_EXISTS: "Another account already uses this email address.",
  Unauthorized: "You've been signed out. Sign in to continue.",
  // The page sends no request that is for superusers only, so 403 Forbidden means an unverified email address.
  Forbidden: "Verify your email address to continue. Check your inbox for the link we sent.",
};

interface Problem {
  loc: (string | number)[];
  msg: string;
}
type Detail = string | { code: string; reason: string } | Problem[];

/** A request that failed, with a message for the user. */
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

  /** Whether the API answered with this error. */
  is(detail: ApiDetail): boolean {
    return this.detail === detail;
  }
}

function secondsUntil(retryAfter: string): number | undefined {
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter);
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - Date.now()) / 1000);
}

/** Returns a message for the user. */
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
  if (typeof detail === "object") return sentence(detail.reason);
  const message = messages[detail as ApiDetail];
  if (message !== undefined) return message;
  if (detail?.startsWith("QUOTA_EXCEEDED")) return "Your storage is full. Delete something to share more.";
  if (status === 413) return tooLarge(detail, sent);
  if (status >= 500 && status !== 507) return "Something went wrong on our side. Please try again shortly.";
  return detail ? sentence(detail) : "That did not work. Please try again.";
}

/** Rewords one entry of a 422's detail. */
function explainProblem({ loc, msg }: Problem): string {
  const field = loc.at(-1);
  if (field === "email") return "Enter a valid email address.";
  // The message of a value_error is a complete sentence after this prefix.
  const [, own] = /^Value error, (.*)/.exec(msg) ?? [];
  return sentence(own ?? `${field}: ${msg}`);
}

/** States the limit in units that file managers use. */
function tooLarge(detail = "", sent: string): string {
  const maxBytes = maxBytesOf(detail);
  return maxBytes === undefined ? "This file is too large." : `${sent} can be up to ${size(maxBytes)}.`;
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
