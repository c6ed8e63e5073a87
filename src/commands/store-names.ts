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
