#!/usr/bin/env bun
// The executable's entry: picks a command. Exports nothing (with --bytecode, an entry that exports crashes at start).
import { CommandError } from "./commands/command.ts";
import { ConfigError, loadEnvironmentFile, readConfig } from "./config.ts";

const usage = `Usage: image-sharing [command]

  serve                              run the service (the default)
  superuser EMAIL [--password-stdin] make an account a superuser; with a password, make the account too
  backup FILE                        write everything into one archive, while the service runs
  restore FILE                       make an empty data folder of a backup
  move-database                      copy the SQLite database of a stopped service into the empty PostgreSQL one that
                                     DATABASE_URL names (move-database postgres://… takes its address too)
  health                             ask the running service; exit status 0 when it is well
  --version, --licenses, --help
`;

/** The command that was asked for; undefined when it is none. What a command needs is loaded with it. */
function commandOf([name = "serve", ...rest]: string[]): (() => Promise<void>) | undefined {
  const [argument, option] = rest;
  if (argument?.startsWith("-")) return undefined;
  switch (`${name} ${rest.length}`) {
    case "serve 0":
      return async () => (await import("./commands/serve.ts")).serve();
    case "health 0":
      return async () => (await import("./commands/health.ts")).health();
    case "superuser 1":
    case "superuser 2": {
      if (argument === undefined || (option !== undefined && option !== "--password-stdin")) return undefined;
      return async () => {
        const password = option && (await Bun.stdin.text()).replace(/\r?\n$/, "");
        await (await import("./commands/superuser.ts")).superuser(argument, password);
      };
    }
    case "backup 1":
      return async () => {
        const { writeBackup } = await import("./backup/backup.ts");
        const posts = await writeBackup(archivableDataDir(), argument ?? "");
        process.stdout.write(
          `${argument} holds the database and the media of ${posts} posts. Keep it as safe as the data.\n`,
        );
      };
    case "restore 1":
      return async () => {
        const dataDir = archivableDataDir();
        await (await import("./backup/restore.ts")).restoreBackup(argument ?? "", dataDir);
        process.stdout.write(`Restored to ${dataDir}.\n`);
      };
    case "move-database 0":
      return async () => (await import("./commands/move-database.ts")).moveDatabase();
    case "move-database 1":
      return async () => (await import("./commands/move-database.ts")).moveDatabaseTo(argument ?? "");
    case "media-worker 0":
      return async () => (await import("./commands/media-worker.ts")).mediaWorker();
    case "--version 0":
      return async () => {
        const { version, commit } = await import("./operation/version.ts");
        process.stdout.write(commit ? `${version} (${commit})\n` : `${version}\n`);
      };
    case "--licenses 0":
      return async () => void process.stdout.write((await import("./commands/licences.ts")).licences());
    case "--help 0":
      return async () => void process.stdout.write(usage);
    default:
      return undefined;
  }
}

async function run(command: () => Promise<void>): Promise<void> {
  // A media worker needs no settings, and gets no secrets.
  if (process.argv[2] !== "media-worker") loadEnvironmentFile();
  await command();
}

/** The data folder, where everything is in it. */
function archivableDataDir(): string {
  const { database, dataDir } = readConfig();
  if (!database) return dataDir;
  throw new CommandError(
    `The database is on a PostgreSQL server (DATABASE_URL): use pg_dump and pg_restore for it, and copy ${dataDir}/media if media are kept there and ${dataDir}/jwt-secret if JWT_SECRET_KEY is not set, in this order.`,
  );
}

// Who reads what is printed may go away (a pipe to `head`, a terminal that was closed): no reason to end.
process.stdout.on("error", () => {});

const command = commandOf(process.argv.slice(2));
if (!command) {
  process.stderr.write(usage);
  process.exit(2);
}
run(command).catch((error: unknown) => {
  const known = error instanceof CommandError || error instanceof ConfigError;
  process.stderr.write(`${known ? error.message : `That failed: ${String(error)}`}\n`);
  process.exit(1);
});
