import { isAbsolute, resolve } from "node:path";

import { ffmpegExpected, findFfmpeg, type FfmpegPrograms } from "./ffmpeg-programs.ts";
import { isStrongSecret, strongSecretExpected } from "./secret-strength.ts";
import { smtpServer } from "./smtp-server.ts";
import { parseNetworks, type TrustedProxies } from "./trusted-proxies.ts";
import {
  allowedOriginsExpected,
  noOrigins,
  parseAllowedOrigins,
  type AllowedOrigins,
} from "./allowed-origins.ts";
import {
  defaultSender,
  domainOf,
  mailHost,
  parseSender,
  senderExpected,
  type Sender,
} from "./mail-sender.ts";
import { deadlineFor } from "./upload-deadline.ts";
import { readOidcSettings, type OidcSettings } from "./oidc-settings.ts";
import { unknownSettings } from "./unknown-settings.ts";
import { size, sizeExpected, wholeNumber } from "./numbers.ts";
import { isPostgresUrl, type PostgresSettings } from "./postgres-url.ts";
import { settingsReader, type Environment } from "./settings-reader.ts";

/** The configuration, frozen. Made by {@link readConfig}. Sizes are in bytes, durations in seconds. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** The URL that clients use, without a trailing slash; undefined: derived from each request's Host. */
  readonly publicUrl: string | undefined;
  /** The URL at which other nodes reach this one; undefined: the address of its first network. */
  readonly nodeUrl: string | undefined;
  /** The name of the site on its page and in its mails. */
  readonly siteName: string;
  readonly dataDir: string;
  /** Undefined: the SQLite file in the data folder. */
  readonly database: PostgresSettings | undefined;
  /** Undefined: generated on first start and kept in the data folder. */
  readonly jwtSecret: string | undefined;
  readonly maxImageSize: number;
  readonly maxVideoSize: number;
  /** Pixels per image. */
  readonly maxImagePixels: number;
  /** Bytes that uploads must leave free on the disk; 0: none; null: derived from the disk's size. */
  readonly minFreeSpace: number | null;
  /** `smtp://…` or `smtps://…`; undefined: mails are printed to the console. */
  readonly mailUrl: string | undefined;
  readonly mailFrom: Sender;
  /** The name that this host gives to mail servers; undefined: its host name. */
  readonly mailHost: string | undefined;
  readonly passwordMinLength: number;
  /** The time without use after which a session expires. */
  readonly sessionLifetime: number;
  readonly requireVerifiedEmail: boolean;
  /** Who can see the email address of a post's author: the author and superusers, or everybody. */
  readonly authorEmails: AuthorEmails;
  /** Who may create an account. An invitation is good with every value. */
  readonly registration: RegistrationPolicy;
  /** The provider with which users can sign in; undefined: none. */
  readonly oidc: OidcSettings | undefined;
  /** Whether users can sign in with a password. */
  readonly passwordLogin: boolean;
  /** Bytes that the posts of one account may have; undefined: no limit. */
  readonly userQuota: number | undefined;
  /** The store for new uploads. */
  readonly mediaStore: MediaStoreName;
  /** Undefined: not configured. */
  readonly imagekit: ImageKitAccount | undefined;
  /** Undefined: not configured. */
  readonly s3: S3Settings | undefined;
  /** Concurrent uploads per account, on each node. */
  readonly uploadsPerAccount: number;
  /** Seconds that a store may take for one file; null: derived from the file's size. */
  readonly uploadDeadline: number | null;
  readonly sweepInterval: number;
  readonly sweepGrace: number;
  /** Undefined: not installed or not to be used. */
  readonly ffmpeg: FfmpegPrograms | undefined;
  readonly rateLimit: boolean;
  /** Origins whose pages may use the API. */
  readonly corsOrigins: AllowedOrigins;
  /** The port of `/metrics`; undefined: the service's own port. */
  readonly metricsPort: number | undefined;
  /** Clients that may read `/metrics`. */
  readonly metrics: "loopback" | "public" | "off";
  /** The proxies whose information about the client's address is trusted. */
  readonly trustProxy: TrustedProxies;
  readonly logLevel: LogLevel;
  /** Possible mistakes: one sentence each, without values of variables. */
  readonly warnings: readonly string[];
}

/** Settings of a bucket in an S3-compatible service. */
export interface S3Settings {
  readonly bucket: string;
  /** Null: Amazon's endpoint for the region. */
  readonly endpoint: string | null;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Base URL for unauthenticated reads; null: every URL is signed. */
  readonly publicUrl: string | null;
}

export interface ImageKitAccount {
  readonly publicKey: string;
  readonly privateKey: string;
  readonly urlEndpoint: string;
  /** Replaces the vendor's hosts; null: the vendor's own. */
  readonly baseUrl: string | null;
}

const registrationPolicies = ["open", "invite", "closed"] as const;
type RegistrationPolicy = (typeof registrationPolicies)[number];

/** The settings that a remote store needs, for messages. */
export const storeSettings = {
  imagekit: "IMAGEKIT_PUBLIC_KEY, IMAGEKIT_PRIVATE_KEY and IMAGEKIT_URL_ENDPOINT",
  s3: "S3_BUCKET, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY",
} as const;

export const mediaStoreNames = ["imagekit", "s3", "disk"] as const;
export type MediaStoreName = (typeof mediaStoreNames)[number];

const authorEmailsValues = ["owner", "everybody"] as const;
export type AuthorEmails = (typeof authorEmailsValues)[number];

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Settings that are read only if the account they belong to is configured. */
const conditionalSettings = ["IMAGE_KIT_BASE_URL", "S3_ENDPOINT", "S3_REGION", "S3_PUBLIC_URL"];

/** S3's limit for one PUT. */
const maxS3ObjectBytes = 5 * 1024 ** 3;

/** Invalid settings: one sentence for each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

/**
 * Reads the configuration from the environment; nothing else reads it. An empty value counts as unset.
 * @throws ConfigError that names every invalid variable, without values that may be secrets
 */
export function readConfig(environment: Environment = process.env): Config {
  const reader = settingsReader(environment);
  const { text, setting, oneOf, integer, address, allOrNone, problems, known } = reader;
  conditionalSettings.forEach((name) => known.add(name));

  const account = allOrNone("IMAGEKIT_PUBLIC_KEY", "IMAGEKIT_PRIVATE_KEY", "IMAGEKIT_URL_ENDPOINT");
  const imagekit = account && {
    publicKey: account.IMAGEKIT_PUBLIC_KEY,
    privateKey: account.IMAGEKIT_PRIVATE_KEY,
    urlEndpoint: address("IMAGEKIT_URL_ENDPOINT", ""),
    baseUrl: address("IMAGE_KIT_BASE_URL", null),
  };
  const keys = allOrNone("S3_BUCKET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY");
  const s3 = keys && {
    bucket: keys.S3_BUCKET,
    endpoint: address("S3_ENDPOINT", null),
    region: text("S3_REGION") ?? "us-east-1",
    accessKeyId: keys.S3_ACCESS_KEY_ID,
    secretAccessKey: keys.S3_SECRET_ACCESS_KEY,
    publicUrl: address("S3_PUBLIC_URL", null),
  };
  const configured = imagekit ? "imagekit" : s3 ? "s3" : "disk";
  const mediaStore = oneOf("MEDIA_STORE", configured, mediaStoreNames);
  if (mediaStore === "s3" && !s3) problems.push(`MEDIA_STORE is s3, so ${storeSettings.s3} must be set.`);
  if (mediaStore === "imagekit" && !imagekit)
    problems.push(`MEDIA_STORE is imagekit, so ${storeSettings.imagekit} must be set.`);

  const mailFrom = setting<Sender | undefined>("MAIL_FROM", undefined, senderExpected, parseSender);
  const mailUrl = text("MAIL_URL");
  if (mailUrl !== undefined)
    try {
      smtpServer(mailUrl);
    } catch (error) {
      problems.push(`MAIL_URL ${(error as Error).message}.`);
    }

  const oidc = readOidcSettings(reader);
  const passwordLogin = oneOf("PASSWORD_LOGIN", "on", ["on", "off"]) === "on";
  if (!passwordLogin && !oidc)
    problems.push(
      "PASSWORD_LOGIN is off, so OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET must be set. Otherwise nobody could sign in.",
    );

  const poolSize = integer("DATABASE_POOL_SIZE", 10, 1, 1000);
  const database = setting<PostgresSettings | undefined>(
    "DATABASE_URL",
    undefined,
    "an address like postgres://user:password@host:5432/database?sslmode=verify-full, or unset for the file in DATA_DIR",
    (url) => (isPostgresUrl(url) ? { url, poolSize } : undefined),
  );

  function ffmpegPrograms(): FfmpegPrograms | undefined {
    const value = text("FFMPEG");
    if (value === undefined) return findFfmpeg();
    if (value.toLowerCase() === "off") return undefined;
    const programs = findFfmpeg(value);
    if (!programs) problems.push(`FFMPEG must be ${ffmpegExpected}.`);
    return programs;
  }

  const port = integer("PORT", 8000, 0, 65_535);
  const publicUrl = address("PUBLIC_URL", undefined);
  const nodeUrl = address("NODE_URL", undefined);
  const metricsPort = setting<number | undefined>(
    "METRICS_PORT",
    undefined,
    "a whole number from 0 to 65535",
    (v) => wholeNumber(v, 0, 65_535),
  );
  if (metricsPort === port && port !== 0) problems.push("METRICS_PORT must be another port than PORT.");
  const siteName = setting("SITE_NAME", "Image Sharing", "1 to 60 characters without line breaks", (v) =>
    [...v].length <= 60 && !/\p{Cc}/u.test(v) ? v : undefined,
  );
  const dataDir = text("DATA_DIR") ?? "./data";
  const config: Config = {
    host: text("HOST") ?? "0.0.0.0",
    port,
    publicUrl,
    nodeUrl,
    siteName,
    database,
    dataDir: isAbsolute(dataDir) ? dataDir : resolve(dataDir),
    jwtSecret: setting<string | undefined>("JWT_SECRET_KEY", undefined, strongSecretExpected, (v) =>
      isStrongSecret(v) ? v : undefined,
    ),
    maxImageSize: setting("MAX_IMAGE_SIZE", 25 * 1024 ** 2, sizeExpected, size),
    maxVideoSize: setting("MAX_VIDEO_SIZE", 500 * 1024 ** 2, sizeExpected, size),
    maxImagePixels: integer("MAX_IMAGE_PIXELS", 300_000_000, 1_000_000, 10_000_000_000),
    minFreeSpace: setting("MIN_FREE_SPACE", null, "off, or a number of bytes such as 500mb or 20gb", (v) =>
      /^(off|0)$/i.test(v) ? 0 : size(v, Number.MAX_SAFE_INTEGER),
    ),
    mailUrl,
    mailFrom: mailFrom ?? defaultSender(publicUrl, siteName),
    mailHost: publicUrl ? mailHost(publicUrl) : mailFrom && domainOf(mailFrom),
    passwordMinLength: integer("PASSWORD_MIN_LENGTH", 8, 1, 128),
    sessionLifetime: integer("SESSION_LIFETIME", 30, 1, 365) * 86_400,
    requireVerifiedEmail: oneOf("REQUIRE_VERIFIED_EMAIL", "false", ["true", "false"]) === "true",
    authorEmails: oneOf("AUTHOR_EMAILS", "owner", authorEmailsValues),
    registration: oneOf("REGISTRATION", "open", registrationPolicies),
    oidc,
    passwordLogin,
    userQuota: setting<number | undefined>(
      "USER_QUOTA",
      undefined,
      "a number of bytes, such as 500mb or 20gb",
      (v) => size(v, Number.MAX_SAFE_INTEGER),
    ),
    mediaStore,
    imagekit,
    s3,
    uploadsPerAccount: integer("UPLOADS_PER_ACCOUNT", 4, 1, 1000),
    uploadDeadline: setting("UPLOAD_DEADLINE", null, "a whole number of seconds from 1 to 86400", (v) =>
      wholeNumber(v, 1, 86_400),
    ),
    sweepInterval: integer("SWEEP_INTERVAL", 60, 1, 86_400),
    sweepGrace: integer("SWEEP_GRACE", 900, 1, 604_800),
    ffmpeg: ffmpegPrograms(),
    corsOrigins: setting("CORS_ORIGINS", noOrigins, allowedOriginsExpected, parseAllowedOrigins),
    metricsPort,
    // A separate port exists so that other machines can reach it.
    metrics: oneOf("METRICS", metricsPort === undefined ? "loopback" : "public", [
      "loopback",
      "public",
      "off",
    ]),
    rateLimit: oneOf("RATE_LIMIT", "on", ["on", "off"]) === "on",
    trustProxy: setting<TrustedProxies>(
      "TRUST_PROXY",
      0,
      "off, or how many proxies are in front (1 to 10), or their networks, such as 10.0.0.0/8, fd00::/8",
      (v) => (v.toLowerCase() === "off" ? 0 : (wholeNumber(v, 1, 10) ?? parseNetworks(v))),
    ),
    logLevel: oneOf("LOG_LEVEL", "info", logLevels),
    warnings: unknownSettings(environment, known),
  };
  const maxUploadSeconds = deadlineFor(
    Math.max(config.maxImageSize, config.maxVideoSize),
    config.uploadDeadline,
  );
  if (database && config.sweepGrace <= maxUploadSeconds)
    problems.push(
      `SWEEP_GRACE must be more than ${maxUploadSeconds}, the seconds that the largest upload may take (MAX_VIDEO_SIZE, UPLOAD_DEADLINE). Otherwise another machine would abandon a running upload.`,
    );
  if (mediaStore === "s3" && Math.max(config.maxImageSize, config.maxVideoSize) > maxS3ObjectBytes)
    problems.push("MAX_IMAGE_SIZE and MAX_VIDEO_SIZE must be at most 5gb, the limit of S3 for one upload.");
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config);
}
