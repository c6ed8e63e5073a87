/** The requirements of {@link isStrongSecret}; continues "must be". */
export const strongSecretExpected =
  "at least 32 bytes long, with at least 5 different characters; generate one with: openssl rand -base64 48";

/** Whether a secret is long enough and not merely a repeated character. */
export const isStrongSecret = (secret: string): boolean =>
  Buffer.byteLength(secret) >= 32 && new Set(secret).size >= 5;
