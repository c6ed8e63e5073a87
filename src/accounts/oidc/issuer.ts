/** Returns an issuer without the slash at its end, which some providers' issuers have and operators easily miss. */
export const withoutSlash = (issuer: string): string => issuer.replace(/\/+$/, "");
