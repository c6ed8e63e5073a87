/** The API's codes in plain words. */
const words: Record<string, string> = {
  LOGIN_BAD_CREDENTIALS: "E-mail address or password is wrong.",
  LOGIN_USER_NOT_VERIFIED: "Your address is not verified yet. Look into your mail for the link we sent.",
  REGISTER_USER_ALREADY_EXISTS: "There is an account with this address already. Sign in instead?",
  RESET_PASSWORD_BAD_TOKEN: "This link is used up or too old. Ask for a new one.",
  VERIFY_USER_BAD_TOKEN: "This link is used up or too old. Ask for a new one.",
  VERIFY_USER_ALREADY_VERIFIED: "This address is verified already.",
  UPDATE_USER_EMAIL_ALREADY_EXISTS: "Somebody else uses this address.",
  Unauthorized: "Your session has ended. Please sign in again.",
};

interface Problem {
  loc: (string | number)[];
  msg: string;
}
type Detail = string | { code: string; reason: string } | Problem[];

/** An answer that says no. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly detail: Detail | undefined,
    readonly retryAfter: string | null = null,
  ) {
    super(explain(status, detail, retryAfter));
  }
  get code(): string | undefined {
    return typeof this.detail === "string" ? this.detail : undefined;
  }
}

/** What to tell a person about it. */
export function explain(status: number, detail: Detail | undefined, retryAfter: string | null): string {
  if (status === 0) return "No connection. Check your network and try again.";
  if (status === 429) return `Too many tries. Please wait ${retryAfter ?? "a few"} seconds.`;
  if (Array.isArray(detail)) return detail.map(({ loc, msg }) => `${loc.at(-1)}: ${msg}`).join(" · ");
  if (typeof detail === "object") return `${detail.reason}.`;
  if (detail !== undefined && words[detail]) return words[detail];
  if (status >= 500 && status !== 507) return "Something went wrong on our side. Please try again shortly.";
  return detail ? `${detail}.` : "That did not work. Please try again.";
}
