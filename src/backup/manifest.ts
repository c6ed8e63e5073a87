import { Type as t, type Static } from "@sinclair/typebox";

const schema = t.Object({
  /** Of the program that made it. */
  version: t.String({ pattern: "^\\d+\\.\\d+\\.\\d+" }),
  made: t.String(),
  files: t.Record(
    t.String(),
    t.Object({
      size: t.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
      sha256: t.String({ pattern: "^[0-9a-f]{64}$" }),
    }),
  ),
});

/** The last file of a backup: what the others are. */
export type Manifest = Static<typeof schema>;

export const manifestName = "manifest.json";
export const databaseName = "image-sharing.db";
export const secretName = "jwt-secret";
export const mediaName = (key: string): string => `media/${key}`;

/** The key of a media file's name within an archive; undefined for other names. */
export const keyOf = (name: string): string | undefined =>
  name.startsWith("media/") ? name.slice("media/".length) : undefined;

/** Bytes that the manifest of so many files has at most: a name of up to 100 characters, a size and a checksum each. */
export const largestManifest = (files: number): number => 4096 + 512 * files;

/** The manifest in this text; undefined where it holds none. */
export async function parseManifest(text: string): Promise<Manifest | undefined> {
  const { Value } = await import("@sinclair/typebox/value");
  try {
    const parsed: unknown = JSON.parse(text);
    return Value.Check(schema, parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
