import { parseEmailAddress } from "../accounts/email-address.ts";
import { invite as createInvitation, linkOf } from "../accounts/invitations.ts";
import { readConfig } from "../config/config.ts";
import { CommandError } from "./command-error.ts";
import { isDatabaseMissing, newDatabaseNote, openServicesAsOwner, silentLog } from "./open-services.ts";

/**
 * Creates an invitation for one account and prints its link. With an address, the invitation is good for that address only
 * and is mailed where a mail server is configured. The service may be running.
 * @param address an empty string for none
 * @throws CommandError
 */
export async function invite(address: string): Promise<void> {
  const email = address === "" ? undefined : parseEmailAddress(address);
  if (email && "problem" in email) throw new CommandError(email.problem.replace(/^value/, () => address));
  const config = readConfig();
  const isNew = await isDatabaseMissing(config);
  let isMailed = false;
  const log = { ...silentLog, info: (event: string) => void (isMailed ||= event === "mail.sent") };
  const services = await openServicesAsOwner(config, log);
  try {
    if (email && (await services.database.users.byEmailKey(email.uniqueKey)))
      throw new CommandError(`${email.address} already has an account.`);
    const invitation = await createInvitation(services, "operator", { email });
    const day = invitation.expiresAt.toISOString().slice(0, 10);
    process.stdout.write(
      `This link is good for one account${email ? ` of ${email.address}` : ""}, until ${day}:\n` +
        `${linkOf(services.invitationTokens, invitation, services.baseUrl.forMails)}\n`,
    );
  } finally {
    // Waits for the mail.
    await services.close();
  }
  if (email && config.mailUrl !== undefined)
    process.stdout.write(
      isMailed
        ? `It was mailed to ${email.address}.\n`
        : `It could not be mailed to ${email.address}: send the link yourself.\n`,
    );
  if (config.publicUrl === undefined)
    process.stdout.write("PUBLIC_URL is not set, so the link leads to this machine (localhost).\n");
  if (isNew) process.stdout.write(`${newDatabaseNote(config)}\n`);
}
