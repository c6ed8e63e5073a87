import type { Background } from "../concurrency/background-tasks.ts";
import type { User } from "../database/users.ts";
import type { Mailer } from "../mail/mailer.ts";
import { changeNotice, identityNotice } from "../mail/messages.ts";
import type { RateLimits } from "./rate-limits.ts";

/** The services that mails about an account need. */
export interface NoticeServices {
  readonly mailer: Mailer;
  readonly baseUrl: { readonly forMails: string };
  readonly limits: RateLimits;
  readonly background: Background;
}

/**
 * Notifies the previous address of a new address or password, so that the account's owner learns of an unauthorized
 * change. Notices to one address are rate-limited, because an account that repeatedly changes to an address and away again
 * could otherwise flood a stranger's inbox.
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

/** Notifies the account's address that an identity at the provider can now sign in to the account. */
export function mailIdentityNotice(services: NoticeServices, user: User, issuer: string): void {
  const { mailer, baseUrl, limits, background } = services;
  background.run("mail a notice of a linked identity", async () => {
    if (await limits.mayMailNotice(user.emailKey))
      mailer.send(
        identityNotice({ to: user.email, provider: new URL(issuer).host, baseUrl: baseUrl.forMails }),
      );
  });
}
