import { t } from "elysia";

import { emailField, ignoredFlags, passwordField } from "../auth/schemas.ts";
import { lenientBoolean } from "../http/validation.ts";

const flag = (description: string) => t.Optional(lenientBoolean({ nullable: false, description }));

/** What users may change about themselves; the flags are taken for compatibility and ignored. */
export const ownChanges = t.Object(
  { email: t.Optional(emailField), password: t.Optional(passwordField), ...ignoredFlags },
  { examples: [{ email: "ada@example.org" }] },
);

/** What superusers may change about anybody. */
export const anyChanges = t.Object(
  {
    email: t.Optional(emailField),
    password: t.Optional(passwordField),
    is_active: flag("false deactivates the account: it cannot log in any more."),
    is_superuser: flag("true makes the user a superuser, who can manage every account."),
    is_verified: flag("Whether the email address counts as verified."),
  },
  { examples: [{ is_active: false }] },
);
