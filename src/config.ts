import { isAbsolute, resolve } from "node:path";

import { isStrongSecret, strongSecretExpected } from "./config/secret-strength.ts";
import { smtpServer } from "./config/smtp-server.ts";
import { parseNetworks, type TrustedProxies } from "./config/trusted-proxies.ts";
import {
  allowedOriginsExpected,
  noOrigins,
  parseAllowedOrigins,
  type AllowedOrigins,
} from "./http/allowed-origins.ts";
import { parseWebAddress } from "./http/web-address.ts";
import {
  defaultSender,
  domainOf,
  mailHost,
  parseSender,
  senderExpected,
  type Sender,
} from "./mail/sender.ts";
import { deadlineFor } from "./media/deadline.ts";
import { unknownSettings } from "./unknown-settings.ts";

/** Everything an operator can set. Frozen; made once by {@link readConfig}. Sizes are bytes, times are seconds. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** Where clients reach the service, without a trailing slash; undefined: under whatever host they ask for. */
  readonly publicUrl: string | undefined;
  readonly dataDir: string;
  /** Undefined: the SQLite file in the data folder. */
  readonly database: PostgresSettings | undefined;
  /** Undefined: made on first start and kept in the data folder. */
  readonly jwtSecret: string | undefined;
  readonly maxImageSize: number;
  readonly maxVideoSize: number;
  /** Pixels of an image. */
  readonly maxImagePixels: number;
  /** Bytes that uploads leave free on the disk; 0: none; null: what suits the disk. */
  readonly minFreeSpace: number | null;
  /** `smtp://…` or `smtps://…`; undefined: mails are printed. */
  readonly mailUrl: string | undefined;
  readonly mailFrom: Sender;
  /** What this host calls itself to mail servers; undefined: by its own name. */
  readonly mailHost: string | undefined;
  readonly passwordMinLength: number;
  readonly requireVerifiedEmail: boolean;
  /** Where new uploads go. */
  readonly mediaStore: MediaStoreName;
  /** Undefined: not configured. */
  readonly imagekit: ImageKitAccount | undefined;
  /** Undefined: not configured. */
  readonly s3: S3Settings | undefined;
  /** Uploads of one account at once, on each node. */
  readonly uploadsPerAccount: number;
  /** Seconds a store may take for one file; null: from the file's size. */
  readonly uploadDeadline: number | null;
  readonly sweepInterval: number;
  readonly sweepGrace: number;
  readonly rateLimit: boolean;
  /** Whose pages may use the API. */
  readonly corsOrigins: AllowedOrigins;
  /** Where `/metrics` is; undefined: where everything else is. */
  readonly metricsPort: number | undefined;
  /** Who may read `/metrics`. */
  readonly metrics: "loopback" | "public" | "off";
  /** Which proxies may be believed for the client's address. */
  readonly trustProxy: TrustedProxies;
  readonly logLevel: LogLevel;
  /** What may be a mistake: a plain sentence each, without the values of variables. */
  readonly warnings: readonly string[];
}

/** How to reach a PostgreSQL database. */
export interface PostgresSettings {
  /** `postgres://user:password@host:port/database?sslmode=…` */
  readonly url: string;
  /** The most connections that one process opens. */
  readonly poolSize: number;
}

/** How to reach a bucket of an S3-compatible service. */
export interface S3Settings {
  readonly bucket: string;
  /** Null: Amazon's, by region. */
  readonly endpoint: string | null;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** The address under which everyone can read the bucket's objects; null: every address is signed. */
  readonly publicUrl: string | null;
}

export interface ImageKitAccount {
  readonly publicKey: string;
  readonly privateKey: string;
  readonly urlEndpoint: string;
  /** Instead of the vendor's hosts. */
  readonly baseUrl: string | null;
}

export const mediaStoreNames = ["imagekit", "s3", "disk"] as const;
export type MediaStoreName = (typeof mediaStoreNames)[number];

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Settings that are read only where the account they belong to is configured. */
const conditionalSettings = ["IMAGE_KIT_BASE_URL", "S3_ENDPOINT", "S3_REGION", "S3_PUBLIC_URL"];

/** Bytes of one PUT. */
const maxS3ObjectBytes = 5 * 1024 ** 3;

/** Settings that cannot be used: one plain sentence for each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the environment, the only place that does. An empty value counts as unset.
 * @throws ConfigError naming every bad variable at once, never its value where that may be a secret.
 */
export function readConfig(environment: Environment = process.env): Config {
  const problems: string[] = [];
  const known = new Set(conditionalSettings);
  const text = (name: string) => {
    known.add(name);
    return environment[name]?.trim() || undefined;
  };

  /** The variable parsed; `parse` answers undefined for a value it does not take, and the problem is noted. */
  function setting<T>(
    name: string,
    fallback: T,
    expected: string,
    parse: (value: string) => T | undefined,
  ): T {
    const value = text(name);
    if (value === undefined) return fallback;
    const parsed = parse(value);
    if (parsed === undefined) problems.push(`${name} must be ${expected}.`);
    return parsed ?? fallback;
  }
  const oneOf = <T extends string>(name: string, fallback: T, values: readonly T[]) =>
    setting(name, fallback, `one of ${values.join(", ")}`, (v) =>
      values.find((known) => known === v.toLowerCase()),
    );
  const integer = (name: string, fallback: number, min: number, max: number) =>
    setting(name, fallback, `a whole number from ${min} to ${max}`, (v) => wholeNumber(v, min, max));

  function address<T>(name: string, fallback: T): string | T {
    const value = text(name);
    if (value === undefined) return fallback;
    const parsed = parseWebAddress(value);
    if ("address" in parsed) return parsed.address;
    problems.push(`${name} must ${parsed.problem}.`);
    return fallback;
  }

  /** All of these variables, or none; some only is a problem. */
  function allOrNone<T extends string>(...names: T[]): Record<T, string> | undefined {
    const set = names.filter((name) => text(name) !== undefined);
    if (set.length === 0) return undefined;
    const missing = names.filter((name) => !set.includes(name));
    if (missing.length > 0)
      problems.push(
        `${missing.join(" and ")} must be set too, because ${set.join(" and ")} ${set.length > 1 ? "are" : "is"}.`,
      );
    return Object.fromEntries(names.map((name) => [name, text(name) ?? ""])) as Record<T, string>;
  }

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
  if (mediaStore === "s3" && !s3)
    problems.push("MEDIA_STORE is s3, so S3_BUCKET, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY must be set.");
  if (mediaStore === "imagekit" && !imagekit)
    problems.push(
      "MEDIA_STORE is imagekit, so IMAGEKIT_PUBLIC_KEY, IMAGEKIT_PRIVATE_KEY and IMAGEKIT_URL_ENDPOINT must be set.",
    );

  const mailFrom = setting<Sender | undefined>("MAIL_FROM", undefined, senderExpected, parseSender);
  const mailUrl = text("MAIL_URL");
  if (mailUrl !== undefined)
    try {
      smtpServer(mailUrl);
    } catch (error) {
      problems.push(`MAIL_URL ${(error as Error).message}.`);
    }

  const poolSize = integer("DATABASE_POOL_SIZE", 10, 1, 1000);
  const database = setting<PostgresSettings | undefined>(
    "DATABASE_URL",
    undefined,
    "an address like postgres://user:password@host:5432/database?sslmode=verify-full, or unset for the file in DATA_DIR",
    (url) => (isPostgresUrl(url) ? { url, poolSize } : undefined),
  );

  const port = integer("PORT", 8000, 0, 65_535);
  const publicUrl = address("PUBLIC_URL", undefined);
  const metricsPort = setting<number | undefined>(
    "METRICS_PORT",
    undefined,
    "a whole number from 0 to 65535",
    (v) => wholeNumber(v, 0, 65_535),
  );
  if (metricsPort === port && port !== 0) problems.push("METRICS_PORT must be another port than PORT.");
  const dataDir = text("DATA_DIR") ?? "./data";
  const config: Config = {
    host: text("HOST") ?? "0.0.0.0",
    port,
    publicUrl,
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
    mailFrom: mailFrom ?? defaultSender(publicUrl),
    mailHost: publicUrl ? mailHost(publicUrl) : mailFrom && domainOf(mailFrom),
    passwordMinLength: integer("PASSWORD_MIN_LENGTH", 8, 1, 128),
    requireVerifiedEmail: oneOf("REQUIRE_VERIFIED_EMAIL", "false", ["true", "false"]) === "true",
    mediaStore,
    imagekit,
    s3,
    uploadsPerAccount: integer("UPLOADS_PER_ACCOUNT", 4, 1, 1000),
    uploadDeadline: setting("UPLOAD_DEADLINE", null, "a whole number of seconds from 1 to 86400", (v) =>
      wholeNumber(v, 1, 86_400),
    ),
    sweepInterval: integer("SWEEP_INTERVAL", 60, 1, 86_400),
    sweepGrace: integer("SWEEP_GRACE", 900, 1, 604_800),
    corsOrigins: setting("CORS_ORIGINS", noOrigins, allowedOriginsExpected, parseAllowedOrigins),
    metricsPort,
    // A port of its own is there to be reached.
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
      `SWEEP_GRACE must be more than ${maxUploadSeconds}, the seconds that the maxBytes upload may take (MAX_VIDEO_SIZE, UPLOAD_DEADLINE): another machine would give it up.`,
    );
  if (mediaStore === "s3" && Math.max(config.maxImageSize, config.maxVideoSize) > maxS3ObjectBytes)
    problems.push("MAX_IMAGE_SIZE and MAX_VIDEO_SIZE must be at most 5gb, the most that S3 takes at once.");
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config);
}

function wholeNumber(value: string, min: number, max: number): number | undefined {
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  return number >= min && number <= max ? number : undefined;
}

const maxFileBytes = 100 * 1024 ** 3;
const sizeExpected = "a number of bytes from 1 to 100gb, such as 500000, 800kb, 25mb or 2gb";
const units = { "": 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

function size(value: string, maxBytes = maxFileBytes): number | undefined {
  const [, digits, unit] = /^(\d{1,15})\s*(kb|mb|gb)?$/i.exec(value) ?? [];
  if (digits === undefined) return undefined;
  const bytes = Number(digits) * units[(unit ?? "").toLowerCase() as keyof typeof units];
  return bytes >= 1 && bytes <= maxBytes ? bytes : undefined;
}

/** Of PostgreSQL's own client library. */
const tlsModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/** Whether this is the address of a PostgreSQL database, with a TLS mode that there is. */
export function isPostgresUrl(value: string): boolean {
  const url = URL.parse(value);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || url.pathname.length < 2) return false;
  const mode = url.searchParams.get("sslmode");
  return mode === null || tlsModes.includes(mode);
}
