import type { Actor } from "../database/actors.ts";
import type { Database } from "../database/database.ts";
import type { Invitation } from "../database/invitations.ts";
import { ApiError } from "../errors.ts";
import { invitationLimits } from "../limits.ts";
import type { Mailer } from "../mail/mailer.ts";
import { invitationLink, invitationMessage } from "../mail/messages.ts";
import type { EmailAddress } from "./email-address.ts";
import type { InvitationTokens } from "./invitation-tokens.ts";

/** The services that invitations need. */
export interface InvitationServices {
  readonly database: Database;
  readonly invitationTokens: InvitationTokens;
  readonly mailer: Mailer;
  readonly baseUrl: { readonly forMails: string };
}

/** The properties of a new invitation. */
export interface InvitationRequest {
  /** The only address that may register with it, which also gets it by mail; undefined for any. */
  readonly email?: EmailAddress | undefined;
  readonly days?: number | undefined;
  readonly uses?: number | undefined;
}

/**
 * Creates an invitation and mails it if it is for an address.
 * @param authority a signed-in superuser, or access to the machine (`operator`)
 * @throws ApiError UNAUTHORIZED or FORBIDDEN when the superuser has lost the right in the meantime
 */
export async function invite(
  { database, invitationTokens, mailer, baseUrl }: InvitationServices,
  authority: Actor | "operator",
  { email, days = invitationLimits.defaultDays, uses = invitationLimits.defaultUses }: InvitationRequest,
): Promise<Invitation> {
  const createdAt = new Date();
  const invitation = {
    id: Bun.randomUUIDv7(),
    email: email?.address ?? null,
    emailKey: email?.uniqueKey ?? null,
    createdAt,
    expiresAt: new Date(createdAt.getTime() + days * 24 * 3_600_000),
    usesLeft: uses,
  };
  await database.invitations.add(authority, invitation);
  if (email)
    mailer.send(
      invitationMessage({
        to: email.address,
        token: invitationTokens.tokenOf(invitation.id),
        lifetime: days === 1 ? "one day" : `${days} days`,
        baseUrl: baseUrl.forMails,
      }),
    );
  return invitation;
}

/** Returns the link to the page where the invited person registers. */
export const linkOf = (tokens: InvitationTokens, { id }: Pick<Invitation, "id">, baseUrl: string): string =>
  invitationLink(baseUrl, tokens.tokenOf(id));

/**
 * Returns the id of the invitation that a token belongs to.
 * @throws ApiError REGISTER_BAD_INVITATION unless this address may register with it now
 */
export async function usableInvitation(
  { database, invitationTokens }: Pick<InvitationServices, "database" | "invitationTokens">,
  token: string,
  email: EmailAddress,
): Promise<string> {
  const id = invitationTokens.read(token);
  if (id === undefined || !(await database.invitations.isUsable(id, email.uniqueKey, new Date())))
    throw new ApiError("REGISTER_BAD_INVITATION");
  return id;
}
