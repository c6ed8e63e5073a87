import type { Background } from "../concurrency/background-tasks.ts";
import type { User } from "../database/users.ts";
import type { Mailer } from "../mail/mailer.ts";
import { changeNotice } from "../mail/messages.ts";
import type { RateLimits } from "./rate-limits.ts";

/** The services that mails about an account need. */
export interface NoticeServices {
  readonly mailer: Mailer;
  readonly baseUrl: { readonly forMails: string };
  readonly limits: RateLimits;
  readonly background: Background;
}

/**
 * Mails a notice of a new address or password to the address that the account had before, so that its owner learns of a
 * change by somebody else. The notice is left out beyond a limit for the address: an account that moves to an address
 * and away again could otherwise fill a stranger's inbox.
 */
export function mailChangeNotice(services: NoticeServices, before: User, after: User): void {
  const { mailer, baseUrl, limits, background } = services;
  const changed = {
    email: before.email !== after.email,
    password: before.hashedPassword !== after.hashedPassword,
  };
  if (!changed.email && !changed.password) return;
  background.run("mail a notice of a change", async () => {
    if (await limits.mayMailNotice(before.emailKey))
      mailer.send(changeNotice({ to: before.email, changed, baseUrl: baseUrl.forMails }));
  });
}
