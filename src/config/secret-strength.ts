/** What {@link isStrongSecret} requires; continues "must be". */
export const strongSecretExpected =
  "at least 32 bytes long, of at least 5 different characters, best from: openssl rand -base64 48";

/** Whether a secret may be random: long enough, and not one key held down. */
export const isStrongSecret = (secret: string): boolean =>
  Buffer.byteLength(secret) >= 32 && new Set(secret).size >= 5;
