/** The last file of a backup: what the others are. */
export interface Manifest {
  /** Of the program that made it. */
  version: string;
  made: string;
  files: Record<string, { size: number; sha256: string }>;
}

export const manifestName = "manifest.json";
export const databaseName = "image-sharing.db";
export const secretName = "jwt-secret";
export const mediaName = (key: string): string => `media/${key}`;

/** The key of a media file's name within an archive; undefined for other names. */
export const keyOf = (name: string): string | undefined =>
  name.startsWith("media/") ? name.slice("media/".length) : undefined;
