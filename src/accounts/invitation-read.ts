import { Type as t, type Static } from "@sinclair/typebox";

import type { Invitation } from "../database/invitations.ts";
import { nextCursor, nullable, uuid } from "../openapi/schemas.ts";

const fields = {
  id: uuid("01a207bc-9b1e-7d02-8f3a-5f0e6c1d2b34", "Never changes."),
  url: t.String({
    format: "uri",
    description: "The page where the invited person registers. Anybody who has the link can use it.",
    examples: ["https://photos.example.com/#/register?invitation=AaIHvJse"],
  }),
  email: nullable(
    t.String({
      description: "The only email address that may register with it; null for any.",
      examples: ["ada@example.com"],
    }),
  ),
  expires_at: t.String({ format: "date-time", examples: ["2026-11-30T09:28:35.183Z"] }),
  uses_left: t.Integer({ description: "How many accounts it is still good for.", examples: [1] }),
};

/** An invitation as the API shows it: its documentation, and through {@link InvitationRead} its type. */
export const invitationSchema = t.Object(fields, { $id: "Invitation" });

export type InvitationRead = Static<typeof invitationSchema>;

export const invitationPageSchema = t.Object(
  {
    invitations: t.Array(t.Object(fields)),
    next_cursor: nextCursor,
  },
  { $id: "InvitationPage" },
);

/** Returns an invitation as the API shows it. */
export const invitationRead = (
  { id, email, expiresAt, usesLeft }: Invitation,
  url: string,
): InvitationRead => ({ id, url, email, expires_at: expiresAt.toISOString(), uses_left: usesLeft });
