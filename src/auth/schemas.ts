import { FormatRegistry } from "@sinclair/typebox";
import { t } from "elysia";

import { lenientBoolean } from "../http/validation.ts";
import { parseEmailAddress } from "./email-address.ts";
import { isWellFormedText } from "./password-policy.ts";

FormatRegistry.Set("email-address", (text) => !("problem" in parseEmailAddress(text)));
FormatRegistry.Set("password", isWellFormedText);

/** An address as {@link parseEmailAddress} takes it; what is wrong with others is told in its words. */
export const emailField = t.String({
  format: "email-address",
  examples: ["ada@example.com"],
  problem: (value: unknown) => {
    if (typeof value !== "string") return { type: "string_type", msg: "Input should be a valid string" };
    const parsed = parseEmailAddress(value);
    return {
      type: "value_error",
      msg: "problem" in parsed ? parsed.problem : "value is not a valid email address",
    };
  },
});

/** Any text but one with half a surrogate pair, which has no UTF-8 to hash. */
export const passwordField = t.String({
  format: "password",
  examples: ["correct horse battery staple"],
  problem: (value: unknown) =>
    typeof value === "string"
      ? { type: "value_error", msg: "Value error, the text is not well-formed Unicode" }
      : { type: "string_type", msg: "Input should be a valid string" },
});

const ignoredFlag = t.Optional(lenientBoolean({ nullable: true }));

export const registerBody = t.Object({
  email: emailField,
  password: passwordField,
  is_active: ignoredFlag,
  is_superuser: ignoredFlag,
  is_verified: ignoredFlag,
});

export const loginForm = t.Object({
  username: t.String({ examples: ["ada@example.com"] }),
  password: t.String({ format: "password", examples: ["correct horse battery staple"] }),
  grant_type: t.Optional(t.String({ pattern: "^password$", examples: ["password"] })),
  scope: t.Optional(t.String()),
  client_id: t.Optional(t.String()),
  client_secret: t.Optional(t.String()),
});

export const emailBody = t.Object({ email: emailField });
export const tokenBody = t.Object({ token: t.String() });
export const resetBody = t.Object({ token: t.String(), password: passwordField });
