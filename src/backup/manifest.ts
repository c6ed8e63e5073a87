import { Type as t, type Static } from "@sinclair/typebox";

import { mediaFolder } from "../data-dir.ts";

const schema = t.Object({
  /** The version of the program that made the backup. */
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

/** The last file of a backup: size and checksum of every other file. */
export type Manifest = Static<typeof schema>;

export const manifestName = "manifest.json";
export const mediaName = (key: string): string => `${mediaFolder}/${key}`;

/** The media key of a file with this name in an archive; undefined when the name is not that of a media file. */
export const mediaKeyOf = (name: string): string | undefined =>
  name.startsWith(`${mediaFolder}/`) ? name.slice(mediaFolder.length + 1) : undefined;

/** The size limit of a manifest. Each file has a name of up to 100 characters, a size and a checksum. */
export const maxManifestBytes = (fileCount: number): number => 4096 + 512 * fileCount;

/** @returns undefined when the text is not a valid manifest */
export async function parseManifest(text: string): Promise<Manifest | undefined> {
  const { Value } = await import("@sinclair/typebox/value");
  try {
    const parsed: unknown = JSON.parse(text);
    return Value.Check(schema, parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
