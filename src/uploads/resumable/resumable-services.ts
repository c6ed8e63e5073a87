import type { LRUCache } from "lru-cache";

import type { PostServices } from "../upload-services.ts";
import type { UploadServices } from "../upload-parser.ts";
import type { UploadFolder } from "./upload-folder.ts";
import type { UploadLeases } from "./upload-leases.ts";

/** The hash of the first bytes of an upload, up to the offset. */
export interface PartialHash {
  readonly offset: number;
  readonly hash: Bun.CryptoHasher;
}

/** Hashes that are kept between the requests of an upload. On a cache miss, the file is read again. */
export const maxPartialHashes = 1000;

/** The services that resumable uploads need. */
export interface ResumableServices extends PostServices, UploadServices {
  readonly uploadFolder: UploadFolder;
  readonly uploadLeases: UploadLeases;
  /** By the id of the upload. */
  readonly partialHashes: LRUCache<string, PartialHash>;
  /** The address at which other nodes reach this one; null for a single process. */
  readonly nodeUrl: () => string | null;
}
