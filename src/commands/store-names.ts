import type { MediaStoreName } from "../config/config.ts";

/** What operators call each store, and the setting that configures it. */
const stores: Readonly<Record<MediaStoreName, { title: string; setting: string }>> = {
  disk: { title: "the data folder", setting: "DATA_DIR" },
  s3: { title: "S3", setting: "S3_BUCKET" },
  imagekit: { title: "ImageKit", setting: "IMAGEKIT_PRIVATE_KEY" },
};

/** A store by its name in the database, which may be that of a later version. */
export const describeStore = (name: string): { title: string; setting: string } =>
  Object.hasOwn(stores, name)
    ? stores[name as MediaStoreName]
    : { title: JSON.stringify(name), setting: "MEDIA_STORE" };

/** A store's title at the start of a sentence. */
export const startWithStore = (name: string): string => describeStore(name).title.replace(/^the /, "The ");

/** The reason of a failed call to a store, in parentheses after a space; empty if it is unknown. */
export function reasonOfStore({ cause }: Error): string {
  // Stores keep secrets out of this text.
  return cause instanceof Error ? ` (${cause.message})` : "";
}
