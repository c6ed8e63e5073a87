import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";

import { changeAccount, register } from "../accounts/accounts.ts";
import { parseEmailAddress } from "../accounts/email-address.ts";
import { isWellFormedText } from "../accounts/password-policy.ts";
import { readConfig, type Config } from "../config/config.ts";
import { databaseFile } from "../data-dir.ts";
import { openDatabase } from "../database/database.ts";
import { ApiError } from "../errors.ts";
import { createLog } from "../observability/log.ts";
import { openServices, type Services } from "../services.ts";
import { CommandError } from "./command-error.ts";
import { accessDataFolderAsOwner } from "./data-folder-access.ts";
import { dataFolderError } from "./startup-errors.ts";

/**
 * Makes the account with this address an active, verified superuser. With a password, creates a missing account (and a
 * missing database) or changes the password of an existing account. The service may be running.
 * @param password undefined to promote an existing account only
 * @throws CommandError
 */
export async function superuser(address: string, password: string | undefined): Promise<void> {
  const email = parseEmailAddress(address);
  if ("problem" in email) throw new CommandError(email.problem.replace(/^value/, () => address));
  if (password !== undefined && !isWellFormedText(password))
    throw new CommandError("The password is not valid Unicode text.");
  const config = readConfig();
  const isNew = await isDatabaseMissing(config);
  if (isNew && password === undefined)
    throw new CommandError(
      `There is no database in ${config.dataDir}. Set DATA_DIR to the folder of the service, or add --password-stdin to create the account in a new database there.`,
    );
  const services = await open(config).catch((error: unknown) => {
    throw error instanceof CommandError ? error : dataFolderError(config, error);
  });
  try {
    const found = await services.database.users.byEmailKey(email.uniqueKey);
    if (!found && password === undefined)
      throw new CommandError(`There is no account ${email.address}. Add --password-stdin to create it.`);
    const user = found ?? (await register(services, email, password ?? "", []));
    await changeAccount(
      services,
      "operator",
      user,
      {
        isActive: true,
        isSuperuser: true,
        isVerified: true,
        ...(found && password !== undefined && { password }),
      },
      (newPassword) => services.hashing.hash(newPassword, []),
    );
    process.stdout.write(
      found ? `${user.email} is now a superuser.\n` : `Created the superuser ${user.email}.\n`,
    );
    if (isNew)
      process.stdout.write(
        `There was no database in ${config.dataDir}, so the command created one. If the service uses another folder, set DATA_DIR to it.\n`,
      );
  } catch (error) {
    throw error instanceof ApiError && error.options.reason
      ? new CommandError(`${error.options.reason}.`)
      : error;
  } finally {
    await services.close();
  }
}

/** Whether opening the database would create a new SQLite file. */
async function isDatabaseMissing({ dataDir, database }: Config): Promise<boolean> {
  if (database) return false;
  return stat(join(dataDir, databaseFile)).then(
    () => false,
    ({ code }: NodeJS.ErrnoException) => code === "ENOENT",
  );
}

/** Opens the services with the rights of the data folder's owner, so that the service can use new files. */
async function open(config: Config): Promise<Services> {
  const { dataDir } = config;
  const folder = accessDataFolderAsOwner(dataDir);
  await mkdir(folder.path, { recursive: true, mode: 0o700 });
  const database = await (config.database
    ? openDatabase(config.database)
    : folder.sqlite(() => openDatabase(join(dataDir, databaseFile))));
  const log = createLog("silent", () => {});
  return openServices({ ...config, dataDir: folder.path }, log, () => {}, database);
}
