import type { Config } from "../config/config.ts";
import type { AcceptedMedia } from "../media-types.ts";

/** Settings of the service that the page needs, embedded in `index.html`. Sizes are in bytes. */
export type PageSettings = Pick<
  Config,
  | "siteName"
  | "registration"
  | "passwordLogin"
  | "passwordMinLength"
  | "requireVerifiedEmail"
  | "maxImageSize"
  | "maxVideoSize"
> & {
  readonly userQuota: number | null;
  readonly accepted: AcceptedMedia;
  /** Whether a mail server is set up; without one, mails are printed where the service runs. */
  readonly sendsMail: boolean;
  /** The provider with which users can sign in; null for none. A `name` of null leaves the button's text to the page. */
  readonly provider: { readonly name: string | null } | null;
};

/** Returns the settings of the page, which are public. */
export const pageSettings = (
  config: Omit<PageSettings, "userQuota" | "accepted" | "sendsMail" | "provider"> &
    Pick<Config, "userQuota" | "ffmpeg" | "mailUrl" | "oidc">,
): PageSettings => ({
  siteName: config.siteName,
  registration: config.registration,
  passwordLogin: config.passwordLogin,
  passwordMinLength: config.passwordMinLength,
  requireVerifiedEmail: config.requireVerifiedEmail,
  maxImageSize: config.maxImageSize,
  maxVideoSize: config.maxVideoSize,
  userQuota: config.userQuota ?? null,
  accepted: { transportStreams: config.ffmpeg !== undefined },
  sendsMail: config.mailUrl !== undefined,
  provider: config.oidc ? { name: config.oidc.name } : null,
});
