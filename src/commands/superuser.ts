import { changeAccount, createAccount } from "../accounts/accounts.ts";
import { parseEmailAddress } from "../accounts/email-address.ts";
import { readConfig } from "../config/config.ts";
import { ApiError } from "../errors.ts";
import { isWellFormedText } from "../http/well-formed-text.ts";
import { CommandError } from "./command-error.ts";
import { isDatabaseMissing, newDatabaseNote, openServicesAsOwner, silentLog } from "./open-services.ts";

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
  const services = await openServicesAsOwner(config, silentLog);
  try {
    const found = await services.database.users.byEmailKey(email.uniqueKey);
    if (!found && password === undefined)
      throw new CommandError(`There is no account ${email.address}. Add --password-stdin to create it.`);
    const user =
      found ?? (await createAccount(services, { email, password: password ?? "", name: null }, []));
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
    process.stdout.write(`${outcome(user.email, found !== undefined, password !== undefined)}\n`);
    if (isNew) process.stdout.write(`${newDatabaseNote(config)}\n`);
  } catch (error) {
    throw error instanceof ApiError && error.options.reason
      ? new CommandError(`${error.options.reason}.`)
      : error;
  } finally {
    await services.close();
  }
}

function outcome(address: string, existed: boolean, hasPassword: boolean): string {
  if (!existed) return `Created the superuser ${address}.`;
  return `${address} is now a superuser${hasPassword ? ", with the new password" : ""}.`;
}
