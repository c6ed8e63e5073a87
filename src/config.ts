import { isAbsolute, resolve } from "node:path";

/** Everything an operator can set. Frozen; made once by {@link readConfig}. Sizes are bytes, times are seconds. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** Without a trailing slash. */
  readonly publicUrl: string;
  readonly dataDir: string;
  /** Undefined: made on first start and kept in the data folder. */
  readonly jwtSecret: string | undefined;
  readonly maxImageSize: number;
  readonly maxVideoSize: number;
  readonly passwordMinLength: number;
  readonly requireVerifiedEmail: boolean;
  readonly sweepInterval: number;
  readonly sweepGrace: number;
  readonly logLevel: LogLevel;
}

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

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
  const text = (name: string) => environment[name]?.trim() || undefined;

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

  const port = integer("PORT", 8000, 0, 65_535);
  const dataDir = text("DATA_DIR") ?? "./data";
  const config: Config = {
    host: text("HOST") ?? "0.0.0.0",
    port,
    publicUrl: setting(
      "PUBLIC_URL",
      `http://localhost:${port}`,
      "an http:// or https:// address without a query",
      publicUrl,
    ),
    dataDir: isAbsolute(dataDir) ? dataDir : resolve(dataDir),
    jwtSecret: setting<string | undefined>("JWT_SECRET_KEY", undefined, "at least 32 bytes long", (v) =>
      Buffer.byteLength(v) >= 32 ? v : undefined,
    ),
    maxImageSize: setting("MAX_IMAGE_SIZE", 25 * 1024 ** 2, sizeExpected, size),
    maxVideoSize: setting("MAX_VIDEO_SIZE", 500 * 1024 ** 2, sizeExpected, size),
    passwordMinLength: integer("PASSWORD_MIN_LENGTH", 8, 1, 128),
    requireVerifiedEmail: oneOf("REQUIRE_VERIFIED_EMAIL", "false", ["true", "false"]) === "true",
    sweepInterval: integer("SWEEP_INTERVAL", 60, 1, 86_400),
    sweepGrace: integer("SWEEP_GRACE", 900, 1, 604_800),
    logLevel: oneOf("LOG_LEVEL", "info", logLevels),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config);
}

function wholeNumber(value: string, min: number, max: number): number | undefined {
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  return number >= min && number <= max ? number : undefined;
}

const sizeExpected = "a number of bytes from 1 to 100gb, such as 500000, 800kb, 25mb or 2gb";
const units = { "": 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

function size(value: string): number | undefined {
  const [, digits, unit] = /^(\d{1,15})\s*(kb|mb|gb)?$/i.exec(value) ?? [];
  if (digits === undefined) return undefined;
  const bytes = Number(digits) * units[(unit ?? "").toLowerCase() as keyof typeof units];
  return bytes >= 1 && bytes <= 100 * 1024 ** 3 ? bytes : undefined;
}

function publicUrl(value: string): string | undefined {
  const url = URL.parse(value);
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username || url.password)
    return undefined;
  return url.href.replace(/\/+$/, "");
}
