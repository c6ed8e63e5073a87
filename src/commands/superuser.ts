import { changeAccount, register } from "../auth/accounts.ts";
import { parseEmailAddress } from "../auth/email-address.ts";
import { isWellFormedText } from "../auth/password-policy.ts";
import { readConfig } from "../config.ts";
import { ApiError } from "../errors.ts";
import { createLog } from "../operation/log.ts";
import { openServices } from "../services.ts";
import { CommandError } from "./command.ts";
import { cannotUse } from "./start-problems.ts";

/**
 * Makes the account with this address an active, verified superuser. With a password given it is made where there is
 * none, and where there is one it gets the password. The server may be running meanwhile.
 * @param password undefined: only an existing account is promoted
 * @throws CommandError
 */
export async function superuser(address: string, password: string | undefined): Promise<void> {
  const email = parseEmailAddress(address);
  if ("problem" in email) throw new CommandError(`${address} is no e-mail address: ${email.problem}`);
  if (password !== undefined && !isWellFormedText(password))
    throw new CommandError("The password is no well-formed text.");
  const config = readConfig();
  const log = createLog("silent", () => {});
  const services = await openServices(config, log, () => {}).catch((error: unknown) => {
    throw cannotUse(config, error);
  });
  try {
    const found = await services.database.users.byEmailKey(email.uniqueKey);
    if (!found && password === undefined)
      throw new CommandError(`There is no account ${email.address}. Give --password-stdin to make it.`);
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
      (given) => services.hashing.hash(given, []),
    );
    process.stdout.write(`${user.email} is a superuser${found ? "" : ", and was made"}.\n`);
  } catch (error) {
    throw error instanceof ApiError && error.options.reason
      ? new CommandError(`${error.options.reason}.`)
      : error;
  } finally {
    await services.close();
  }
}
