#!/usr/bin/env bun
// The executable's entry: picks a command. It must export nothing: with --bytecode, an entry with exports crashes at startup.
import { CommandError } from "./commands/command-error.ts";
import { readCommandLine, UsageError, type Command } from "./commands/command-line.ts";
import { ConfigError } from "./config/config.ts";
import { loadEnvironmentFile } from "./config/environment-file.ts";

const usage = `Usage: image-sharing [command]

  serve
      run the service (the default)
  superuser EMAIL [--password-stdin]
      make an account a superuser; with a password, create the account, or
      change the password of an existing one
  invite [EMAIL]
      print a link to register one account, on a closed service too; with an
      address, the link is good for that address only, and is mailed if MAIL_URL
      is set
  renditions [--all]
      make the thumbnails, display sizes, posters and MP4s that posts lack, or
      remake all except posters; the service may be running
  backup FILE [--with-media] [--since ARCHIVE]
      write all data to one archive; the service may be running. --with-media
      includes media in S3 and ImageKit, --since leaves out media that an
      earlier archive has
  restore FILE
      restore a backup into an empty data folder and, with DATABASE_URL, into an
      empty PostgreSQL database, and its media into MEDIA_STORE. Finds earlier
      archives beside it
  import-folder DIR --for EMAIL [--dry-run]
      make posts of the photos and videos in a folder, in the order in which
      they were taken; with --dry-run, only say what would be imported; the
      service may be running
  move-database [ADDRESS]
      copy the SQLite database of a stopped service into an empty PostgreSQL
      database at DATABASE_URL (or at this address, postgres://…)
  move-media --to STORE [--limit MB]
      move the media of all posts to disk, s3 or imagekit, at most so many MB
      per second; the service may be running
  import FILE [--imagekit] [--copy-media] [--dry-run]
      import the accounts and posts of the original program's SQLite database;
      their files stay in ImageKit, where --imagekit looks them up, or are
      copied with --copy-media; --dry-run only reports; the service may be
      running
  health
      check the running service; exit status 0 if it is healthy
  --version, --licenses, --help
`;

/** The commands, of which the first is the default. Each loads its modules when it runs. */
const commands = new Map<string, Command>([
  ["serve", { run: async () => (await import("./commands/serve.ts")).serve() }],
  [
    "superuser",
    {
      argument: "EMAIL",
      options: { "--password-stdin": null },
      async run(email, options) {
        const password = options.has("--password-stdin")
          ? (await Bun.stdin.text()).replace(/\r?\n$/, "")
          : undefined;
        await (await import("./commands/superuser.ts")).superuser(email, password);
      },
    },
  ],
  [
    "invite",
    {
      argument: "EMAIL",
      optional: true,
      run: async (email) => (await import("./commands/invite.ts")).invite(email),
    },
  ],
  [
    "renditions",
    {
      options: { "--all": null },
      run: async (_, options) =>
        (await import("./commands/renditions.ts")).makeRenditions(options.has("--all")),
    },
  ],
  [
    "backup",
    {
      argument: "FILE",
      options: { "--with-media": null, "--since": "ARCHIVE" },
      run: async (file, options) =>
        (await import("./commands/backup.ts")).backup(file, {
          withMedia: options.has("--with-media"),
          since: options.get("--since"),
        }),
    },
  ],
  [
    "restore",
    {
      argument: "FILE",
      run: async (file) => (await import("./commands/restore.ts")).restore(file),
    },
  ],
  [
    "import-folder",
    {
      argument: "DIR",
      options: { "--for": "EMAIL", "--dry-run": null },
      async run(folder, options) {
        const address = options.get("--for");
        if (address === undefined) throw new UsageError("import-folder: --for EMAIL is missing.");
        const { importFolder } = await import("./commands/import-folder.ts");
        await importFolder(folder, { address, isPreview: options.has("--dry-run") });
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
  [
    "move-media",
    {
      options: { "--to": "STORE", "--limit": "MB" },
      run: async (_, options) => (await import("./commands/move-media.ts")).moveMedia(options),
    },
  ],
  [
    "import",
    {
      argument: "FILE",
      options: { "--imagekit": null, "--copy-media": null, "--dry-run": null },
      async run(file, options) {
        const flags = {
          imagekit: options.has("--imagekit"),
          copyMedia: options.has("--copy-media"),
          dryRun: options.has("--dry-run"),
        };
        await (await import("./commands/import.ts")).importDatabase(file, flags);
      },
    },
  ],
  ["health", { run: async () => (await import("./commands/health.ts")).health() }],
  [
    "media-worker",
    {
      options: { "--renditions": null },
      run: async (_, options) =>
        (await import("./commands/media-worker.ts")).mediaWorker(
          options.has("--renditions") ? "renditions" : "uploads",
        ),
    },
  ],
  [
    "limited",
    { argument: "JOB", run: async (job) => (await import("./commands/limited.ts")).limited(JSON.parse(job)) },
  ],
  [
    "--version",
    {
      async run() {
        const { version, commit } = await import("./version.ts");
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

async function main(args: string[]): Promise<void> {
  const run = readCommandLine(commands, args);
  // The internal commands need no settings and must not get secrets.
  if (!["media-worker", "limited"].includes(args[0] ?? "")) loadEnvironmentFile();
  await run();
}

function explain(error: unknown): string {
  // The problem comes last, where a terminal still shows it.
  if (error instanceof UsageError) return `${usage}\n${error.message}\n`;
  const isExplained = error instanceof CommandError || error instanceof ConfigError;
  return `${isExplained ? error.message : `That failed: ${String(error)}`}\n`;
}

// The output may be closed early (a pipe to `head`, a closed terminal); that is not an error.
process.stdout.on("error", () => {});

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(explain(error));
  process.exit(error instanceof UsageError ? 2 : 1);
});
