import type { Config } from "../config/config.ts";

/** Settings of the service that the page needs, embedded in `index.html`. Sizes are in bytes. */
export type PageSettings = Pick<
  Config,
  "siteName" | "registration" | "passwordMinLength" | "requireVerifiedEmail" | "maxImageSize" | "maxVideoSize"
> & { readonly userQuota: number | null };

/** Returns the settings of the page, which are public. */
export const pageSettings = (
  config: Omit<PageSettings, "userQuota"> & Pick<Config, "userQuota">,
): PageSettings => ({
  siteName: config.siteName,
  registration: config.registration,
  passwordMinLength: config.passwordMinLength,
  requireVerifiedEmail: config.requireVerifiedEmail,
  maxImageSize: config.maxImageSize,
  maxVideoSize: config.maxVideoSize,
  userQuota: config.userQuota ?? null,
});
