#!/usr/bin/env bun
// The executable's entry: picks a command. Exports nothing (with --bytecode, an entry that exports crashes at start).
import { join } from "node:path";

import { CommandError } from "./commands/command.ts";
import { readCommandLine, UsageError, type Command } from "./commands/command-line.ts";
import { ConfigError, readConfig } from "./config.ts";
import { mediaFolder, secretFile } from "./data-dir.ts";
import { loadEnvironmentFile } from "./environment-file.ts";

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

/** What each command needs is loaded with it. The first one is the default. */
const commands = new Map<string, Command>([
  ["serve", { run: async () => (await import("./commands/serve.ts")).serve() }],
  [
    "superuser",
    {
      argument: "EMAIL",
      options: ["--password-stdin"],
      async run(email, options) {
        const password = options.has("--password-stdin")
          ? (await Bun.stdin.text()).replace(/\r?\n$/, "")
          : undefined;
        await (await import("./commands/superuser.ts")).superuser(email, password);
      },
    },
  ],
  [
    "backup",
    {
      argument: "FILE",
      async run(file) {
        const { writeBackup } = await import("./backup/backup.ts");
        const posts = await writeBackup(archivableDataDir(), file);
        process.stdout.write(
          `${file} holds the database and the media of ${posts} posts. Keep it as safe as the data.\n`,
        );
      },
    },
  ],
  [
    "restore",
    {
      argument: "FILE",
      async run(file) {
        const dataDir = archivableDataDir();
        await (await import("./backup/restore.ts")).restoreBackup(file, dataDir);
        process.stdout.write(`Restored to ${dataDir}.\n`);
      },
    },
  ],
  [
    "move-database",
    {
      argument: "ADDRESS",
      optional: true,
      async run(address) {
        const { moveDatabase, moveDatabaseTo } = await import("./commands/move-database.ts");
        await (address === "" ? moveDatabase() : moveDatabaseTo(address));
      },
    },
  ],
  ["health", { run: async () => (await import("./commands/health.ts")).health() }],
  ["media-worker", { run: async () => (await import("./commands/media-worker.ts")).mediaWorker() }],
  [
    "--version",
    {
      async run() {
        const { version, commit } = await import("./operation/version.ts");
        process.stdout.write(commit ? `${version} (${commit})\n` : `${version}\n`);
      },
    },
  ],
  [
    "--licenses",
    {
      run: async () => void process.stdout.write((await import("./commands/licences.ts")).licences()),
    },
  ],
  ["--help", { run: async () => void process.stdout.write(usage) }],
]);

/** The data folder, where everything is in it. */
function archivableDataDir(): string {
  const { database, dataDir } = readConfig();
  if (!database) return dataDir;
  throw new CommandError(
    `The database is on a PostgreSQL server (DATABASE_URL): use pg_dump and pg_restore for it, and copy ${join(dataDir, mediaFolder)} if media are kept there and ${join(dataDir, secretFile)} if JWT_SECRET_KEY is not set, in this order.`,
  );
}

async function main(args: string[]): Promise<void> {
  const run = readCommandLine(commands, args);
  // A media worker needs no settings, and gets no secrets.
  if (args[0] !== "media-worker") loadEnvironmentFile();
  await run();
}

function explain(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n\n${usage}`;
  const isPlain = error instanceof CommandError || error instanceof ConfigError;
  return `${isPlain ? error.message : `That failed: ${String(error)}`}\n`;
}

// The reader of the output may go away (a pipe to `head`, a closed terminal), which is no reason to exit.
process.stdout.on("error", () => {});

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(explain(error));
  process.exit(error instanceof UsageError ? 2 : 1);
});
