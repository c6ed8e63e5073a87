import { resolve } from "node:path";

import { parseEmailAddress } from "../accounts/email-address.ts";
import { readConfig } from "../config/config.ts";
import { databaseFailure } from "../database/failures.ts";
import type { User } from "../database/users.ts";
import { diskFailure } from "../disk-errors.ts";
import { createImporter, createPreview } from "../folder-import/import-file.ts";
import { importFiles } from "../folder-import/import-files.ts";
import { markImport } from "../folder-import/import-mark.ts";
import { scan } from "../folder-import/scan.ts";
import { SourceError, type SourceFolder } from "../folder-import/source-folder.ts";
import { createTakenTimes } from "../folder-import/taken-times.ts";
import type { Services } from "../services.ts";
import { preparedAtOnce } from "../uploads/media-workers.ts";
import type { Author } from "../uploads/publishing.ts";
import { CommandError } from "./command-error.ts";
import { accessDataFolderAsOwner } from "./data-folder-access.ts";
import { ImportReport } from "./import-report.ts";
import { openSource } from "./import-source.ts";
import { abortOnTermination, exitInterrupted } from "./on-termination.ts";
import {
  openServicesAsOwner,
  requireServiceFolder,
  requireServiceMedia,
  silentLog,
} from "./open-services.ts";
import { createProgress } from "./progress.ts";

/** Whose posts the files become, and whether only to show what would be imported. */
export interface ImportOptions {
  readonly address: string;
  readonly isPreview: boolean;
}

/**
 * Makes posts of the photos and videos in a folder, in the order in which they were taken, and prints what has become of all
 * files. The service may be running. The folder is not changed. Interrupted at any point, the command can be repeated; files
 * that were imported before are recognised by their content.
 * @throws CommandError also when some files were refused
 */
export async function importFolder(folder: string, { address, isPreview }: ImportOptions): Promise<void> {
  const email = parseEmailAddress(address);
  if ("problem" in email) throw new CommandError(email.problem.replace(/^value/, () => address));
  const config = readConfig();
  // A relative path is relative to the working folder, which opening the data folder may change.
  const path = resolve(folder);
  await requireServiceFolder(config);
  const access = accessDataFolderAsOwner(config.dataDir);
  const source = openSource(path, config, access);
  const interrupted = abortOnTermination();
  const services = await openServicesAsOwner(config, silentLog, { access, isReadOnly: isPreview });
  const report = new ImportReport(isPreview);
  let stopped: string | undefined;
  try {
    if (config.mediaStore === "disk") await requireServiceMedia(services.config, services.database);
    const user = await accountOf(services, email.uniqueKey, email.address);
    stopped = await run(services, source, user, report, interrupted);
    process.stdout.write(report.text(user.email));
  } finally {
    await services.close();
  }
  if (interrupted.aborted) exitInterrupted(interrupted, "Repeat the command to import the rest.");
  if (stopped !== undefined)
    throw new CommandError(`The import ended early: ${stopped} Repeat the command to import the rest.`);
  if (report.refused > 0)
    throw new CommandError(
      isPreview
        ? "Some files would be refused, see above."
        : "Some files were refused, see above. The others are imported; repeat the command to try again.",
    );
}

/** Finds and imports the files. @returns why the import ended early, as a sentence */
async function run(
  services: Services,
  source: SourceFolder,
  user: User,
  report: ImportReport,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { tempDir, mediaWorkers } = services;
  const other = await markImport(tempDir, user.id);
  if (other !== undefined)
    throw new CommandError(`Process ${other} is importing files for ${user.email}. Wait until it has ended.`);
  const author: Author = { viewer: user, actor: { userId: user.id, credential: "operator" } };
  const work = report.isPreview
    ? createPreview(services, author, signal)
    : createImporter(services, author, signal);
  const progress = createProgress();
  try {
    const takenTimes = createTakenTimes(source, mediaWorkers, { tempDir, accountId: user.id, signal });
    const listener = {
      found: (files: number) => progress.update("files found", files, null),
      ignored: report.ignore.bind(report),
      refused: report.refuse.bind(report),
    };
    const files = await scan(source, takenTimes, listener, signal);
    let done = 0;
    const count = () => progress.update("files read", (done += 1), files.length);
    return await importFiles(
      source,
      files,
      work,
      {
        done(_, { kind, bytes }) {
          report.add(kind, bytes);
          count();
        },
        ignored(kind, path) {
          report.ignore(kind, path);
          count();
        },
        refused(path, why) {
          report.refuse(path, why);
          count();
        },
      },
      { concurrency: preparedAtOnce, signal },
    );
  } catch (error) {
    if (signal.aborted) return undefined;
    throw explain(error, source);
  } finally {
    progress.end();
  }
}

function explain(error: unknown, source: SourceFolder): unknown {
  if (error instanceof SourceError) return new CommandError(`${source.root}: ${error.message}`);
  switch ((databaseFailure(error) ?? diskFailure(error))?.code) {
    case "STORAGE_FULL":
      return new CommandError("There is no space left for the data folder.");
    case undefined:
      return error;
    default:
      return new CommandError(
        "The database or the data folder cannot be used now. Repeat the command later.",
      );
  }
}

/** @throws CommandError for an unknown or deactivated account */
async function accountOf(services: Services, uniqueKey: string, address: string): Promise<User> {
  const user = await services.database.users.byEmailKey(uniqueKey);
  if (!user)
    throw new CommandError(`There is no account ${address}. Register it, or invite its owner, first.`);
  if (!user.isActive)
    throw new CommandError(`The account ${user.email} is deactivated. Reactivate it first.`);
  return user;
}
