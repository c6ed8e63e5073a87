import { Database } from "bun:sqlite";

import type { MediaType } from "../media-types.ts";
import { renditionRemover } from "./lost-renditions.ts";
import { countByStore, hasMedia, pageByPage } from "./published-rows.ts";
import { migrateSqlite } from "./sqlite-migrations.ts";

/** A published post of a backup. */
export interface RestoredPost {
  readonly id: string;
  readonly store: string;
  readonly key: string;
  readonly fileName: string;
  readonly contentType: MediaType;
  readonly url: string | null;
  readonly thumbnailUrl: string | null;
  readonly displayUrl: string | null;
  readonly processing: number;
}

/** Where the media of a post are after a restore. */
export interface Placement {
  readonly store: string;
  readonly storeId: string | null;
  readonly url: string;
  /** The size of the file, which an import may not have learnt. */
  readonly bytes: number;
  /** Null: not stored, and made again by the service. */
  readonly thumbnailUrl: string | null;
  /** Null: the file itself is shown at a large size. */
  readonly displayUrl: string | null;
  /** Renditions that the post had and that were not restored. */
  readonly lost: { readonly thumbnail: boolean; readonly display: boolean };
  /** Whether the store makes the renditions, so that the service must not. */
  readonly isComplete: boolean;
}

/** Which published and hidden posts to place. */
export interface PostSelection {
  /** The name of a store whose posts are left out; empty for none. */
  readonly except: string;
  /** Null: published ones, and those of deactivated accounts, which are hidden. */
  readonly state: "published" | "hidden" | null;
}

/** The database of a backup, before anything else uses it. */
export interface RestoredDatabase {
  /** The number of published posts, by the store of their media. */
  countByStore(): ReadonlyMap<string, number>;
  /** The number of posts of a selection. */
  count(selection: PostSelection): number;
  /** The posts of a selection. The caller may place them while it iterates. */
  posts(selection: PostSelection): Generator<RestoredPost>;
  place(id: string, placement: Placement): void;
  close(): void;
}

/**
 * Opens the database of a backup, which `problemOfBackup` has accepted, and brings it up to date. No other files stay beside it.
 * @param canMakeVideos whether this machine makes renditions of videos
 */
export function openRestoredDatabase(path: string, canMakeVideos: boolean): RestoredDatabase {
  const client = new Database(path, { readwrite: true, create: false });
  let removeRenditions: ReturnType<typeof renditionRemover>;
  try {
    // Nothing may open a file later: the process has the rights for it only now.
    client.run("pragma journal_mode = memory");
    client.run("pragma temp_store = memory");
    // The caller flushes the file when it is complete.
    client.run("pragma synchronous = off");
    client.run("pragma trusted_schema = off");
    migrateSqlite(client);
    client.run("pragma foreign_keys = on");
    removeRenditions = renditionRemover(client, canMakeVideos);
  } catch (error) {
    client.close();
    throw error;
  }
  const isSelected = `${hasMedia} and store <> ?1 and (?2 is null or state = ?2)`;
  const count = client.query<{ posts: number }, [string, string | null]>(
    `select count(*) as posts from posts where ${isSelected}`,
  );
  const page = client.query<RestoredPost, [string, string | null, string, number]>(
    `select id, store, key, file_name as fileName, content_type as contentType, url, thumbnail_url as thumbnailUrl,
       display_url as displayUrl, processing
     from posts where id > ?3 and ${isSelected} order by id limit ?4`,
  );
  const move = client.query(
    "update posts set store = ?, store_id = ?, url = ?, bytes = ?, thumbnail_url = ?, display_url = ? where id = ?",
  );
  const removeJobs = client.query("delete from rendition_jobs where post_id = ?");
  // Renditions that are made after a later move get new keys, because the bytes of a key never change.
  const endRenditions = client.query(
    "update posts set processing = false, rendition_version = rendition_version + 1 where id = ?",
  );
  return {
    countByStore: () => countByStore(client),
    count: ({ except, state }) => count.get(except, state)!.posts,
    posts: ({ except, state }) => pageByPage((after, limit) => page.all(except, state, after, limit)),
    place: client.transaction((id: string, placement: Placement) => {
      const { store, storeId, url, bytes, thumbnailUrl, displayUrl, lost, isComplete } = placement;
      move.run(store, storeId, url, bytes, thumbnailUrl, displayUrl, id);
      if (isComplete) {
        removeJobs.run(id);
        endRenditions.run(id);
      } else if (lost.thumbnail || lost.display) removeRenditions({ id, ...lost });
    }),
    close: () => client.close(),
  };
}
