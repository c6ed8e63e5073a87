import { Type as t, type Static } from "@sinclair/typebox";

import type { Viewer } from "../database/users.ts";
import { exampleIds, uuid } from "../openapi/schemas.ts";

/** An account as the API shows it: its documentation, and through {@link UserRead} its type. */
export const userSchema = t.Object(
  {
    id: uuid(exampleIds.user, "Never changes."),
    // No `format`: the addresses of RFC 6531 fit no validator of `email`.
    email: t.String({ examples: ["ada@example.com"] }),
    is_active: t.Boolean({ description: "Deactivated accounts cannot log in.", examples: [true] }),
    is_superuser: t.Boolean({ description: "Superusers can manage every account.", examples: [false] }),
    is_verified: t.Boolean({
      description: "Whether the user has verified the email address.",
      examples: [false],
    }),
  },
  { $id: "UserRead" },
);

export type UserRead = Static<typeof userSchema>;

/** Returns an account as the API shows it. */
export const userRead = ({ id, email, isActive, isSuperuser, isVerified }: Viewer): UserRead => ({
  id,
  email,
  is_active: isActive,
  is_superuser: isSuperuser,
  is_verified: isVerified,
});
