/** Connection settings of a PostgreSQL database. */
export interface PostgresSettings {
  /** `postgres://user:password@host:port/database?sslmode=…` */
  readonly url: string;
  /** The maximum number of connections per process. */
  readonly poolSize: number;
}

/** The modes of `sslmode` in PostgreSQL's client library. */
const tlsModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/** Whether this is the URL of a PostgreSQL database with a valid TLS mode. */
export function isPostgresUrl(value: string): boolean {
  const url = URL.parse(value);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || url.pathname.length < 2) return false;
  const mode = url.searchParams.get("sslmode");
  return mode === null || tlsModes.includes(mode);
}
