import { t } from "elysia";

import { emailField, passwordField } from "../auth/schemas.ts";
import { lenientBoolean } from "../http/validation.ts";

const ignoredFlag = t.Optional(lenientBoolean({ nullable: true }));
const flag = t.Optional(lenientBoolean({ nullable: false }));

/** What users may change about themselves; the flags are taken for compatibility and ignored. */
export const ownChanges = t.Object({
  email: t.Optional(emailField),
  password: t.Optional(passwordField),
  is_active: ignoredFlag,
  is_superuser: ignoredFlag,
  is_verified: ignoredFlag,
});

/** What superusers may change about anybody. */
export const anyChanges = t.Object({
  email: t.Optional(emailField),
  password: t.Optional(passwordField),
  is_active: flag,
  is_superuser: flag,
  is_verified: flag,
});
