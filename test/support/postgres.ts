import { chownSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

import { SQL } from "bun";

import { onFreePort } from "./free-port.ts";

/** The newest server that Debian's packages brought, or one on the path. */
const binaries = [...new Bun.Glob("usr/lib/postgresql/*/bin/initdb").scanSync("/")]
  .concat(Bun.which("initdb") ?? [])
  .map((initdb) => dirname(resolve("/", initdb)))
  .sort((a, b) => b.localeCompare(a, "en", { numeric: true }))[0];

const isRoot = process.getuid?.() === 0;
/** The server refuses to run as root: it runs as Debian's user for it. */
const asServerUser = isRoot ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];

/** Whether a server can be started and stopped here at will. */
export const canStartPostgres = binaries !== undefined;

/** Whether tests can run on PostgreSQL at all: `TEST_DATABASE_URL` names a server, or one can be started. */
export const hasPostgres = Boolean(process.env["TEST_DATABASE_URL"]) || canStartPostgres;

/** A server of the tests' own, on a temporary folder, without care for power cuts. */
export class PostgresServer {
  private constructor(
    readonly folder: string,
    readonly port: number,
    private readonly options: string,
  ) {}

  /** @param tls with a certificate for `localhost` that `${folder}/server.crt` has signed itself */
  static async start({ tls = false } = {}): Promise<PostgresServer> {
    const folder = await mkdtemp(join(tmpdir(), "image-sharing-postgres-"));
    if (isRoot) {
      const [uid, gid] = (await run(["id", "-u", "postgres"], ["id", "-g", "postgres"])).map(Number);
      chownSync(folder, uid!, gid!);
    }
    const data = join(folder, "data");
    await run([
      ...asServerUser,
      join(binaries!, "initdb"),
      "-D",
      data,
      "-A",
      "trust",
      "-U",
      "app",
      "--no-sync",
    ]);
    if (tls) await makeCertificate(folder);
    return onFreePort(async (port) => {
      const settings = {
        port,
        unix_socket_directories: folder,
        listen_addresses: "127.0.0.1",
        max_connections: 300,
        fsync: "off",
        ...(tls && {
          ssl: "on",
          ssl_cert_file: join(folder, "server.crt"),
          ssl_key_file: join(folder, "server.key"),
        }),
      };
      const options = Object.entries(settings)
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(" ");
      const server = new PostgresServer(folder, port, options);
      await server.control("start");
      return server;
    });
  }

  /** `pg_ctl`, waiting until it is done. */
  async control(action: "start" | "stop" | "restart", mode: "fast" | "immediate" = "fast"): Promise<void> {
    const { folder, options } = this;
    const arguments_ = [
      "-D",
      join(folder, "data"),
      "-w",
      "-m",
      mode,
      "-o",
      options,
      "-l",
      join(folder, "log"),
    ];
    await run([...asServerUser, join(binaries!, "pg_ctl"), action, ...arguments_]);
  }

  url(database: string, host = "127.0.0.1"): string {
    return `postgres://app@${host}:${this.port}/${database}`;
  }

  /** Its processes, the first one first. */
  async pids(): Promise<number[]> {
    const first = (await readFile(join(this.folder, "data/postmaster.pid"), "utf8")).split("\n")[0]!;
    const [others] = await run(["pgrep", "-P", first]);
    return [first, ...others!.split("\n")].map(Number);
  }

  /** Another certificate for `localhost`, which nobody has seen yet. */
  async changeCertificate(): Promise<void> {
    await makeCertificate(this.folder);
    await this.control("restart");
  }

  /** Lets in only who knows this password. */
  async requirePassword(password: string): Promise<void> {
    await withServer(this.url("postgres"), async (sql) => {
      await sql.unsafe(`alter user app password '${password}'`);
      await writeFile(join(this.folder, "data/pg_hba.conf"), "host all all 127.0.0.1/32 scram-sha-256\n");
      await sql`select pg_reload_conf()`;
    });
  }

  async stop(): Promise<void> {
    await this.control("stop", "immediate");
    await rm(this.folder, { recursive: true, force: true });
  }
}

const makeCertificate = (folder: string) =>
  run([
    ...asServerUser,
    ...["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"],
    ...["-addext", "subjectAltName=DNS:localhost", "-keyout", join(folder, "server.key")],
    ...["-out", join(folder, "server.crt")],
  ]);

let shared: Promise<string> | undefined;
let started: PostgresServer | undefined;
const made: string[] = [];

/** Where all tests of this run make their databases; started when the first one asks. */
async function sharedServer(): Promise<string> {
  const given = process.env["TEST_DATABASE_URL"];
  if (given) return given;
  started = await PostgresServer.start();
  return started.url("postgres");
}

/**
 * The address of an empty database, for one test.
 * @param options of `create database`
 */
export async function freshDatabase(options = ""): Promise<string> {
  const server = await (shared ??= sharedServer());
  const name = `image_sharing_test_${crypto.randomUUID().replaceAll("-", "")}`;
  await withServer(server, (sql) => sql.unsafe(`create database ${name} ${options}`));
  made.push(name);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** Whether services under test have their data on PostgreSQL. */
export const onPostgres = process.env["TEST_DATABASE"] === "postgres";

const databaseOf = new Map<string, Promise<string>>();

/**
 * The settings that put a service with this data folder on the database that tests run on: SQLite, or with
 * `TEST_DATABASE=postgres` a PostgreSQL database, the same one whenever the service is started again.
 */
export async function databaseSettings(dataDir: string): Promise<Record<string, string>> {
  if (!onPostgres) return {};
  const url = databaseOf.get(dataDir) ?? freshDatabase();
  databaseOf.set(dataDir, url);
  return { DATABASE_URL: await url };
}

/** Ends what {@link freshDatabase} began. */
export async function forgetDatabases(): Promise<void> {
  if (started) await started.stop();
  else if (shared)
    await withServer(await shared, async (sql) => {
      for (const name of made) await sql.unsafe(`drop database if exists ${name} with (force)`);
    });
  [shared, started] = [undefined, undefined];
}

/** Runs this with one connection to the server. */
export async function withServer<T>(url: string, use: (sql: SQL) => Promise<T>): Promise<T> {
  const sql = new SQL(url, { max: 1 });
  try {
    return await use(sql);
  } finally {
    await sql.close();
  }
}

/** Runs commands one after the other and gives what they print. */
async function run(...commands: string[][]): Promise<string[]> {
  const printed: string[] = [];
  for (const command of commands) {
    const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe", cwd: tmpdir() });
    const [out, error] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}: ${error || out}`);
    printed.push(out.trim());
  }
  return printed;
}
