import type { apiErrors } from "../../errors.ts";
import { noPictureDetail, unsupportedCodecsDetail } from "../../media-types.ts";
import { maxAltLength, maxBytesOf, maxCaptionLength, maxNameLength, maxReasonLength } from "../../limits.ts";
import { fileSize } from "./sizes.ts";
import type { PlainKey } from "./texts/catalogue.ts";
import { text } from "./texts/text.ts";
import { duration } from "./times.ts";
import { unsupported } from "./unsupported.ts";

/** What the API sends as `detail`: codes and sentences. */
type ApiDetail = (typeof apiErrors)[keyof typeof apiErrors]["detail"];

/** Messages by `detail`, which take precedence over those by status. */
const byDetail: Partial<
  Record<ApiDetail | typeof noPictureDetail | typeof unsupportedCodecsDetail, PlainKey>
> = {
  LOGIN_BAD_CREDENTIALS: "wrongPassword",
  LOGIN_USER_NOT_VERIFIED: "notVerified",
  REGISTER_USER_ALREADY_EXISTS: "accountExists",
  REGISTER_CLOSED: "invitationNeededText",
  REGISTER_BAD_INVITATION: "badInvitation",
  RESET_PASSWORD_BAD_TOKEN: "linkExpired",
  VERIFY_USER_BAD_TOKEN: "linkExpired",
  VERIFY_USER_ALREADY_VERIFIED: "alreadyVerified",
  UPDATE_USER_EMAIL_ALREADY_EXISTS: "emailTaken",
  PASSWORD_LOGIN_OFF: "passwordsOff",
  OAUTH_INVALID_STATE: "providerState",
  OAUTH_ACCESS_DENIED: "providerDenied",
  OAUTH_FAILED: "providerFailed",
  OAUTH_NOT_AVAILABLE_EMAIL: "providerNoEmail",
  OAUTH_USER_ALREADY_EXISTS: "providerExists",
  OAUTH_PROVIDER_UNAVAILABLE: "providerUnavailable",
  LAST_SIGN_IN_METHOD: "lastSignInMethod",
  CURRENT_PASSWORD_REQUIRED: "currentPasswordMissing",
  CURRENT_PASSWORD_WRONG: "currentPasswordWrong",
  // Routes for superusers answer this too, but the page calls them for superusers only.
  Forbidden: "mustVerify",
  "The file is damaged or not what it claims to be": "damaged",
  "The file is cut off: part of the picture is missing": "cutOff",
  [noPictureDetail]: "noPicture",
  [unsupportedCodecsDetail]: "unsupportedCodecs",
  QUOTA_EXCEEDED: "quotaExceeded",
};

const byStatus: Readonly<Record<number, PlainKey>> = {
  0: "noConnection",
  401: "signedOut",
  403: "forbidden",
  404: "missing",
  408: "tooSlow",
  409: "conflict",
  507: "storageFull",
};

interface Problem {
  loc: (string | number)[];
  msg: string;
}
type Detail = string | { code: string; reason: string } | Problem[];

/** What a request uploaded, for messages about limits. */
export type Sent = "photo" | "video" | "file";

/** A request that failed, with a message for the user. */
export class Failure extends Error {
  /** Seconds to wait before a retry; undefined without a valid `Retry-After` (RFC 9110, 10.2.3). */
  readonly retryAfterSeconds: number | undefined;

  /**
   * @param status HTTP status; 0 when there was no response
   * @param retryAfter value of the `Retry-After` header
   */
  constructor(
    readonly status: number,
    readonly detail?: Detail,
    retryAfter: string | null = null,
    sent: Sent = "file",
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
  sent: Sent,
): string {
  if (status === 429)
    return seconds === undefined
      ? text("tooManyAttemptsLater")
      : text("tooManyAttempts", { time: duration(seconds) });
  if (Array.isArray(detail)) return [...new Set(detail.map(explainProblem))].join(" ");
  if (typeof detail === "object") return explainPassword(detail.reason);
  if (status === 413 && !detail?.startsWith("QUOTA_EXCEEDED")) return tooLarge(detail, sent);
  // The detail may continue after the known start.
  const known =
    Object.entries(byDetail).find(([start]) => detail?.startsWith(start))?.[1] ?? byStatus[status];
  if (!known && status === 415) return unsupported();
  return text(known ?? (status >= 500 ? "serverError" : "unexpected"));
}

/** Explains one entry of a 422's detail. */
function explainProblem({ loc, msg }: Problem): string {
  const field = String(loc.at(-1));
  const number = Number(/\d+/.exec(msg)?.[0]);
  if (field === "email") return text("invalidEmail");
  if (field === "name") return text("invalidName", { count: maxNameLength });
  if (field === "caption") return text("captionTooLong", { count: maxCaptionLength });
  if (field === "alt") return text("altTooLong", { count: maxAltLength });
  if (field === "reason") return text("reasonInvalid", { count: maxReasonLength });
  if (field === "file") return number ? text("tooManyPixelsError", { count: number }) : text("fileEmpty");
  return text("invalidField", { field });
}

/** Explains why the service refused a new password. */
function explainPassword(reason: string): string {
  const [, minLength] = /at least (\d+)/.exec(reason) ?? [];
  if (minLength) return text("passwordTooShort", { count: Number(minLength) });
  if (reason.includes("e-mail")) return text("passwordIsEmail");
  return text(reason.includes("at most") ? "passwordTooLong" : "passwordCommon");
}

/** States the limit in units that file managers use. */
function tooLarge(detail = "", sent: Sent): string {
  const maxBytes = maxBytesOf(detail);
  if (maxBytes === undefined) return text("fileTooLarge");
  const size = fileSize(maxBytes);
  if (sent === "photo") return text("photosLimit", { size });
  return sent === "video" ? text("videosLimit", { size }) : text("filesLimit", { size });
}
