import { t } from "elysia";

import { emailField, ignoredFlags, nameField, passwordField } from "./auth-schemas.ts";
import { lenientBoolean } from "../http/validation.ts";

const flag = (description: string) => t.Optional(lenientBoolean({ nullable: false, description }));

const currentPassword = {
  current_password: t.Optional(
    t.String({
      description: "With a session, needed for a new email address or password of your own account.",
      problem: { type: "string_type", msg: "Input should be a valid string" },
    }),
  ),
};

/** The body of `PATCH /users/me`. The flags are accepted for compatibility and ignored. */
export const updateMeBody = t.Object(
  {
    email: t.Optional(emailField),
    password: t.Optional(passwordField),
    name: nameField,
    ...currentPassword,
    ...ignoredFlags,
  },
  { examples: [{ email: "ada@example.org" }] },
);

/** The body of `PATCH /users/{id}`, for superusers. */
export const updateUserBody = t.Object(
  {
    email: t.Optional(emailField),
    password: t.Optional(passwordField),
    name: nameField,
    ...currentPassword,
    is_active: flag("false deactivates the account: it can no longer log in."),
    is_superuser: flag("true makes the user a superuser, who can manage every account."),
    is_verified: flag("Whether the email address counts as verified."),
  },
  { examples: [{ is_active: false }] },
);

/** The body of `DELETE /users/me`. */
export const deleteMeBody = t.Object(
  {
    password: t.Optional(
      t.String({
        description: "Your current password. May be left out by an account without one.",
        examples: ["correct horse battery staple"],
      }),
    ),
  },
  { examples: [{ password: "correct horse battery staple" }] },
);
