import type { Config } from "../config/config.ts";

/** Settings of the service that the page needs; `index.html` carries them to it. Sizes are in bytes. */
export type PageSettings = Pick<
  Config,
  "siteName" | "registration" | "passwordMinLength" | "requireVerifiedEmail" | "maxImageSize" | "maxVideoSize"
> & { readonly userQuota: number | null };

/** Returns the settings that everybody may know. */
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
