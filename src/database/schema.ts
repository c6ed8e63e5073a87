import { sql } from "drizzle-orm";

import type { Kit } from "./kit.ts";

/**
 * The schema, written once for both dialects.
 *
 * The columns of the original program keep their names and meaning (`users`: id, email, hashed_password, is_*;
 * `posts`: id, user_id, caption, url, file_type, file_name, created_at), so that its databases can be imported.
 */
export function createTables(k: Kit) {
  const users = k.table(
    "users",
    {
      id: k.id("id").primaryKey(),
      /** As the user entered it, with the domain in lower case. */
      email: k.text("email").notNull(),
      /** The address in a canonical form, so that it is unique regardless of case and Unicode normalization. */
      emailKey: k.text("email_key").notNull().unique(),
      hashedPassword: k.text("hashed_password").notNull(),
      /** The display name; null until the user chooses one. */
      name: k.text("name"),
      isActive: k.bool("is_active").notNull(),
      isSuperuser: k.bool("is_superuser").notNull(),
      isVerified: k.bool("is_verified").notNull(),
      createdAt: k.time("created_at").notNull(),
      /**
       * Every token carries the value at the time it was issued. A new password, a password reset, a deactivation and a new
       * address increment it, which invalidates all mailed tokens.
       */
      tokenVersion: k.int("token_version").notNull().default(0),
      /** The lowest `token_version` whose access tokens are still valid. A new address does not raise it. */
      minAccessVersion: k.int("min_access_version").notNull().default(0),
      /**
       * No longer used by this version. During an upgrade, nodes of an older version still read and write it, and a
       * trigger in the migration keeps both columns consistent. Drop it, with the trigger, in a later release.
       */
      tokensValidFrom: k
        .time("tokens_valid_from")
        .notNull()
        .$defaultFn(() => new Date(0)),
    },
    // Covers the list of accounts: a search that few accounts match would otherwise read all rows in random order.
    (t) => [
      k.index("users_newest").on(t.createdAt, t.id, t.email, t.name, t.isActive, t.isSuperuser, t.isVerified),
    ],
  );

  /**
   * Tokens revoked individually, by logout, and the states of completed sign-ins with a provider. A row may be deleted once
   * its token has expired.
   */
  const revokedTokens = k.table(
    "revoked_tokens",
    { tokenId: k.text("token_id").primaryKey(), expiresAt: k.time("expires_at").notNull() },
    (t) => [k.index("revoked_tokens_expiry").on(t.expiresAt)],
  );

  const posts = k.table(
    "posts",
    {
      /** UUIDv7, except for imported posts. */
      id: k.id("id").primaryKey(),
      /** Null once the user is deleted. The row must outlive the user, because it holds the location of the bytes. */
      userId: k.id("user_id").references(() => users.id, { onDelete: "set null" }),
      caption: k.text("caption").notNull(),
      /** A description for people who cannot see the picture. */
      alt: k.text("alt").notNull().default(""),
      fileType: k.text("file_type").$type<"image" | "video">().notNull(),
      fileName: k.text("file_name").notNull(),
      state: k.text("state").$type<PostState>().notNull(),
      /** The name of the media store, the key of the bytes, and the store's own id for them once known. */
      store: k.text("store").notNull(),
      key: k.id("key").notNull().unique(),
      storeId: k.text("store_id"),
      /** Starts with `/` if this service delivers the bytes itself; null until published. */
      url: k.text("url"),
      thumbnailUrl: k.text("thumbnail_url"),
      /** The rendition to show at a large size; null if that is the file itself. */
      displayUrl: k.text("display_url"),
      /** A thumbhash of the thumbnail in base64. */
      placeholder: k.text("placeholder"),
      /** Whether a rendition is being made. True exactly while a job of the post waits or runs. */
      processing: k.bool("processing").notNull().default(false),
      /**
       * Part of the keys of renditions, because the bytes of a key never change. Incremented whenever renditions of the
       * post are to be replaced; files of every version up to this one may exist.
       */
      renditionVersion: k.int("rendition_version").notNull().default(0),
      contentType: k.text("content_type").notNull(),
      bytes: k.big("bytes").notNull(),
      width: k.int("width"),
      height: k.int("height"),
      /** Length of a video; null for images and if the file does not say. */
      durationSeconds: k.real("duration_seconds"),
      /** SHA-256 of the upload as it was received, in hex. */
      sha256: k.text("sha256").notNull(),
      /** The upload's `Idempotency-Key`; cleared when it has expired. */
      uploadKey: k.text("upload_key"),
      reservedAt: k.time("reserved_at").notNull(),
      /** Set when published, so that a slow upload never appears behind a cursor already handed out. */
      createdAt: k.time("created_at"),
      /** When the caption or the alternative text last changed; null if never. */
      editedAt: k.time("edited_at"),
      /** The sweeper's back-off: failed attempts so far, and when the next one is due. */
      attempts: k.int("attempts").notNull().default(0),
      retryAt: k.time("retry_at"),
    },
    (t) => [
      k
        .index("posts_feed")
        .on(t.createdAt, t.id)
        .where(sql`state = 'published'`),
      // Covers every state, so that it also finds all posts of a deleted or deactivated account, and the columns of an
      // account's usage. With an index of its own for the usage, PostgreSQL would sort all posts of an author for a page.
      k.index("posts_author_feed").on(t.userId, t.createdAt, t.id, t.state, t.bytes),
      // The hash comes first: PostgreSQL would use another index that begins with the account for the pages of an author.
      // The hash of an imported file that stays where it was is unknown, and empty.
      k
        .index("posts_file")
        .on(t.sha256, t.userId)
        .where(sql`sha256 <> ''`),
      k
        .index("posts_unfinished")
        .on(t.state, t.retryAt)
        .where(sql`state <> 'published'`),
      k
        .uniqueIndex("posts_upload_key")
        .on(t.userId, t.uploadKey)
        .where(sql`upload_key is not null`),
    ],
  );

  /** Devices that stay signed in. Deleting a row ends the session. */
  const sessions = k.table(
    "sessions",
    {
      id: k.id("id").primaryKey(),
      /** SHA-256 of the token, in hex: the token itself is never stored. */
      tokenHash: k.id("token_hash").notNull().unique(),
      userId: k
        .id("user_id")
        .notNull()
        .references(() => users.id, { onDelete: "cascade" }),
      /** The account's `token_version` when the session began; compared with `min_access_version`. */
      tokenVersion: k.int("token_version").notNull(),
      createdAt: k.time("created_at").notNull(),
      lastUsedAt: k.time("last_used_at").notNull(),
      expiresAt: k.time("expires_at").notNull(),
      userAgent: k.text("user_agent"),
    },
    (t) => [k.index("sessions_user").on(t.userId), k.index("sessions_expiry").on(t.expiresAt)],
  );

  /** Accounts at OpenID Connect providers with which users sign in. */
  const identities = k.table(
    "identities",
    {
      id: k.id("id").primaryKey(),
      userId: k
        .id("user_id")
        .notNull()
        .references(() => users.id, { onDelete: "cascade" }),
      /** The provider's identifier, as its metadata and ID tokens have it. */
      issuer: k.id("issuer").notNull(),
      /** The user's identifier at the provider, which never changes. */
      subject: k.id("subject").notNull(),
      /** The address that the provider had at the last sign-in, by which users tell their identities apart. */
      email: k.text("email"),
      createdAt: k.time("created_at").notNull(),
      lastUsedAt: k.time("last_used_at").notNull(),
    },
    (t) => [
      k.uniqueIndex("identities_subject").on(t.issuer, t.subject),
      k.index("identities_user").on(t.userId),
    ],
  );

  /** Invitations to register. Their tokens are derived from the id and the service's secret. */
  const invitations = k.table("invitations", {
    /** UUIDv7. */
    id: k.id("id").primaryKey(),
    /** The only address that may register with it; null for any. */
    email: k.text("email"),
    emailKey: k.text("email_key"),
    createdAt: k.time("created_at").notNull(),
    expiresAt: k.time("expires_at").notNull(),
    usesLeft: k.int("uses_left").notNull(),
  });

  /** Reports of posts by users, for superusers. */
  const reports = k.table(
    "reports",
    {
      /** UUIDv7. */
      id: k.id("id").primaryKey(),
      postId: k
        .id("post_id")
        .notNull()
        .references(() => posts.id, { onDelete: "cascade" }),
      reporterId: k
        .id("reporter_id")
        .notNull()
        .references(() => users.id, { onDelete: "cascade" }),
      reason: k.text("reason").notNull(),
      createdAt: k.time("created_at").notNull(),
    },
    (t) => [
      k.uniqueIndex("reports_post_reporter").on(t.postId, t.reporterId),
      k.index("reports_reporter").on(t.reporterId),
    ],
  );

  /** Renditions that are still to be made, and those that cannot be made. */
  const renditionJobs = k.table(
    "rendition_jobs",
    {
      id: k.id("id").primaryKey(),
      postId: k
        .id("post_id")
        .notNull()
        .references(() => posts.id, { onDelete: "cascade" }),
      kind: k.text("kind").$type<RenditionKind>().notNull(),
      /** The post's author, for taking turns. */
      userId: k.id("user_id").notNull(),
      /** The post's `rendition_version` when the job was created. */
      version: k.int("version").notNull(),
      state: k.text("state").$type<RenditionJobState>().notNull(),
      /** When a waiting job is due, or when the lease of a running one ends; it is then due again. */
      dueAt: k.time("due_at").notNull(),
      attempts: k.int("attempts").notNull().default(0),
      /** A random id of the current attempt. An attempt must not write a result after the job has got another id. */
      lease: k.id("lease"),
    },
    (t) => [
      k.uniqueIndex("rendition_jobs_post").on(t.postId, t.kind),
      k
        .index("rendition_jobs_due")
        .on(t.kind, t.userId, t.dueAt)
        .where(sql`state <> 'failed'`),
    ],
  );

  /**
   * Uploads in several requests (tus). Their bytes are in a folder of one or more nodes, and not yet those of a post. A row
   * stays after its post was published, so that a client that missed the answer learns of it.
   */
  const resumableUploads = k.table(
    "resumable_uploads",
    {
      id: k.id("id").primaryKey(),
      userId: k
        .id("user_id")
        .notNull()
        .references(() => users.id, { onDelete: "cascade" }),
      /** The id of the folder that has the bytes, and an address of a node that reads it; null for a single process. */
      folder: k.id("folder").notNull(),
      nodeUrl: k.text("node_url"),
      /** Bytes of the whole file. */
      length: k.big("length").notNull(),
      /** Bytes that are on disk. Less than `length` until the post is published. */
      offset: k.big("offset").notNull().default(0),
      /** The client's `Upload-Metadata`, as it was sent. */
      metadata: k.text("metadata"),
      /** SHA-256 of the whole file in hex, once all of it is on disk; the file is not written any more then. */
      sha256: k.text("sha256"),
      /** The published post. */
      postId: k.id("post_id"),
      expiresAt: k.time("expires_at").notNull(),
      /** A random id of the request that works on the upload, and when it loses this right unless it renews it. */
      lease: k.id("lease"),
      leaseUntil: k.time("lease_until"),
      /** Whether another request waits for the lease. */
      leaseWanted: k.bool("lease_wanted").notNull().default(false),
    },
    (t) => [
      k.index("resumable_uploads_user").on(t.userId),
      k.index("resumable_uploads_folder").on(t.folder),
      k.index("resumable_uploads_expiry").on(t.expiresAt),
    ],
  );

  /**
   * Files of posts in a store that their posts do not refer to: a move has begun to copy them there, or has left them
   * behind. They are deleted when they are due, unless a move makes them the post's own. The row is written before the
   * first byte, and outlives its post, so that no file is forgotten.
   */
  const mediaCopies = k.table(
    "media_copies",
    {
      id: k.id("id").primaryKey(),
      postId: k.id("post_id").notNull(),
      /** The store, the key of the post's file in it, and the store's own id for that if known. */
      store: k.text("store").notNull(),
      key: k.id("key").notNull(),
      storeId: k.text("store_id"),
      fileType: k.text("file_type").$type<"image" | "video">().notNull(),
      /** Renditions of every version up to this one may be there. */
      renditionVersion: k.int("rendition_version").notNull(),
      /** A random id of the move or deletion that works on the files, and when it loses this right unless it renews it. */
      lease: k.id("lease"),
      leaseUntil: k.time("lease_until"),
      /** When the files are to be deleted; after the end of the lease, because a store may complete a put late. */
      dueAt: k.time("due_at").notNull(),
      /** Failed deletions so far. */
      attempts: k.int("attempts").notNull().default(0),
    },
    (t) => [
      k.uniqueIndex("media_copies_post").on(t.postId, t.store),
      k.index("media_copies_due").on(t.dueAt),
    ],
  );

  /**
   * Ids of the accounts and posts that were imported. They outlive their rows, so that a repeated import does not bring
   * back what people have deleted since.
   */
  const importedIds = k.table("imported_ids", { id: k.id("id").primaryKey() });

  return {
    users,
    revokedTokens,
    posts,
    sessions,
    identities,
    invitations,
    reports,
    renditionJobs,
    resumableUploads,
    mediaCopies,
    importedIds,
  };
}

/** Tables that only nodes sharing a database need; a single process keeps the same data in memory. */
export function createSharedTables(k: Kit) {
  /** Points used in a window of time, for rate limits. */
  const counters = k.table(
    "counters",
    { key: k.id("key").primaryKey(), used: k.int("used").notNull(), endsAt: k.time("ends_at").notNull() },
    (t) => [k.index("counters_end").on(t.endsAt)],
  );
  return { counters };
}

/**
 * - `pending`: the bytes are on their way.
 * - `published`: acknowledged, and visible while the author's account is active.
 * - `hidden`: published, but the author's account is deactivated. Invisible, with or without this state; it keeps the
 *   post out of the feed's indexes, so that the feed need not read past it.
 * - `deleting`: invisible; the bytes are to be deleted.
 */
export type PostState = "pending" | "published" | "hidden" | "deleting";

/**
 * - `picture`: thumbnail, display size and placeholder of an image.
 * - `poster`: thumbnail and placeholder of a video.
 * - `mp4`: a video that every browser can play.
 */
export type RenditionKind = "picture" | "poster" | "mp4";
export const renditionKinds = ["picture", "poster", "mp4"] as const satisfies RenditionKind[];

/** `failed` jobs are kept, so that operators can count them and repeat them with `image-sharing renditions`. */
export type RenditionJobState = "waiting" | "running" | "failed";
export type Tables = ReturnType<typeof createTables>;
