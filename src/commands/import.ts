import { readConfig, storeSettings, type Config } from "../config/config.ts";
import { causes } from "../database/connection.ts";
import type { Database } from "../database/database.ts";
import { createFileIndex, type FileIndex } from "../database/file-index.ts";
import {
  openOriginalDatabase,
  UnusableOriginal,
  type OriginalDatabase,
} from "../database/original-database.ts";
import { TemporaryFilesError } from "../database/temporary-database.ts";
import { ApiError } from "../errors.ts";
import { importOriginal } from "../importing/import-original.ts";
import { newSummary, type ImportSummary } from "../importing/import-summary.ts";
import { CopyingStopped } from "../importing/import-target.ts";
import { listImageKitFiles, type ListedFile } from "../storage/imagekit-listing.ts";
import { CommandError } from "./command-error.ts";
import { counted } from "./counted.ts";
import { driverError } from "./database-errors.ts";
import { openCheckingTarget, openTarget, type OpenTarget } from "./open-import-target.ts";
import { abortOnTermination, exitInterrupted } from "./on-termination.ts";
import { createProgress, type Progress } from "./progress.ts";
import { dataFolderError } from "./startup-errors.ts";

/** The options of the command. */
export interface ImportFlags {
  /** Look the files up in ImageKit. */
  readonly imagekit: boolean;
  /** Copy the files into the configured store. */
  readonly copyMedia: boolean;
  /** Write nothing. */
  readonly dryRun: boolean;
}

/**
 * Imports the accounts and posts of the original program's database, and prints a report. The service may be running.
 * Exits with 128 and the number of the signal if it is interrupted; repeating the command does the rest.
 * @throws CommandError also if some rows were left out
 */
export async function importDatabase(file: string, flags: ImportFlags): Promise<void> {
  const config = readConfig();
  if (flags.imagekit && !config.imagekit)
    throw new CommandError(`--imagekit needs ${storeSettings.imagekit}.`);
  const signal = abortOnTermination();
  const progress = createProgress();
  if (flags.copyMedia && config.mediaStore === "imagekit")
    progress.note("MEDIA_STORE is imagekit, so the copies are in ImageKit, too, beside the original files.");
  const summary = newSummary();
  let failure: unknown;
  try {
    await run({ file, flags, config, progress, summary, signal });
  } catch (error) {
    failure = error;
  }
  progress.end();
  if (failure === undefined || wasBegun(summary)) process.stdout.write(report(file, flags, config, summary));
  if (signal.aborted) exitInterrupted(signal, "Repeat the command to import the rest.");
  if (failure !== undefined) throw explain(failure, file, config);
  if (summary.accounts.refused + summary.posts.refused + summary.missingFiles > 0)
    throw new CommandError("Some accounts or posts need attention: see the lines that name them.");
}

interface Run {
  readonly file: string;
  readonly flags: ImportFlags;
  readonly config: Config;
  readonly progress: Progress;
  readonly summary: ImportSummary;
  readonly signal: AbortSignal;
}

async function run({ file, flags, config, progress, summary, signal }: Run): Promise<void> {
  // Before the process takes on the rights of the data folder's owner, who may not read the file.
  const original = openOriginalDatabase(file);
  let opened: OpenTarget | undefined;
  let files: FileIndex<ListedFile> | undefined;
  try {
    opened = flags.dryRun
      ? await openCheckingTarget(config, flags.copyMedia, progress)
      : await openTarget(config, flags.copyMedia, progress, signal);
    if (flags.imagekit) files = await listFiles(config, progress, signal);
    await importOriginal(
      original,
      {
        urlEndpoint: config.imagekit?.urlEndpoint ?? null,
        files,
        target: opened.target,
        output: { problem: progress.note, progress: progress.update },
        signal,
      },
      summary,
    );
    if (flags.copyMedia) summary.leftInImageKit = await countInImageKit(config, opened.database);
  } finally {
    files?.close();
    await opened?.close();
    original.close();
  }
}

/** Counts the posts whose files are in ImageKit although the configured store is another one. */
async function countInImageKit({ mediaStore }: Config, database: Database | undefined): Promise<number> {
  const elsewhere = await database?.mediaMoves.totals({ name: mediaStore, isPublic: false });
  return elsewhere?.find(({ store }) => store === "imagekit")?.posts ?? 0;
}

async function listFiles(
  { imagekit }: Config,
  progress: Progress,
  signal: AbortSignal,
): Promise<FileIndex<ListedFile>> {
  const files = createFileIndex<ListedFile>();
  let listed = 0;
  for await (const page of listImageKitFiles(imagekit!, signal)) {
    files.add(page);
    listed += page.length;
    progress.update("files found in ImageKit", listed, null);
  }
  return files;
}

const wasBegun = ({ accounts, posts }: ImportSummary): boolean =>
  [accounts, posts].some(({ added, known, refused }) => added + known + refused > 0);

function report(
  file: string,
  { dryRun, copyMedia }: ImportFlags,
  config: Config,
  summary: ImportSummary,
): string {
  const { accounts, posts, superusers, missingFiles, changedCaptions, leftInImageKit } = summary;
  const both = (of: "added" | "known" | "refused") =>
    `${counted(accounts[of], "accounts")} and ${counted(posts[of], "posts")}`;
  const lines = [
    `${dryRun ? "Would import" : "Imported"} ${both("added")} of ${file}.`,
    accounts.known + posts.known > 0 && `Imported earlier: ${both("known")}.`,
    accounts.refused + posts.refused > 0 && `Left out: ${both("refused")}, named above.`,
    missingFiles > 0 && `Not found in ImageKit: the files of ${counted(missingFiles, "posts")}, named above.`,
    changedCaptions > 0 && `Shortened: the captions of ${counted(changedCaptions, "posts")}, named above.`,
    posts.refused > 0 &&
      posts.added + posts.known === 0 &&
      `No post was accepted. If all addresses are refused, set ${storeSettings.imagekit}, the last to what the addresses begin with.`,
    leftInImageKit > 0 &&
      `Still in ImageKit: the files of ${counted(leftInImageKit, "posts")} that are here already. move-media --to ${config.mediaStore} copies them as they are.`,
    !copyMedia &&
      !config.imagekit &&
      posts.added > 0 &&
      `${storeSettings.imagekit} are not set: without them the service cannot delete or export the files of these posts.`,
    superusers.length > 0 && `Superusers: ${superusers.join(", ")}.`,
  ];
  return lines
    .filter((line) => line !== false)
    .map((line) => `${line}\n`)
    .join("");
}

/** Never repeats a database error's own message: query builders put row values into it. */
function explain(error: unknown, file: string, config: Config): Error {
  if (error instanceof CommandError) return error;
  if (error instanceof UnusableOriginal) return new CommandError(`${file} ${error.message}.`);
  if (error instanceof TemporaryFilesError) return dataFolderError(config, error);
  if (error instanceof CopyingStopped)
    return new CommandError(
      `Stopped, because one file after the other could not be copied: ${error.message}. Repeat the command later.`,
    );
  if (error instanceof ApiError)
    return new CommandError(
      error.code === "STORAGE_FULL"
        ? "There is no space left for the media. Make room, and repeat the command."
        : `ImageKit does not list its files (${error.cause instanceof Error ? error.cause.message : error.code}). Check the IMAGEKIT_… settings and the connection, and repeat the command.`,
    );
  return dataFolderError(config, driverError(error) ?? causes(error).at(-1) ?? error);
}
