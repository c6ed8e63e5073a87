import { FormatRegistry } from "@sinclair/typebox";
import { t } from "elysia";

import { lenientBoolean } from "../http/validation.ts";
import { parseEmailAddress } from "./email-address.ts";
import { isWellFormedText } from "./password-policy.ts";

FormatRegistry.Set("email-address", (text) => !("problem" in parseEmailAddress(text)));
FormatRegistry.Set("password", isWellFormedText);

/** An address that {@link parseEmailAddress} accepts; the validation error holds its problem. */
export const emailField = t.String({
  format: "email-address",
  documented: { type: "string", format: "email" },
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

/** A text that {@link isWellFormedText} accepts. The password policy is checked later: its errors are not 422. */
export const passwordField = t.String({
  format: "password",
  examples: ["correct horse battery staple"],
  problem: (value: unknown) =>
    typeof value === "string"
      ? { type: "value_error", msg: "Value error, the text is not well-formed Unicode" }
      : { type: "string_type", msg: "Input should be a valid string" },
});

const ignoredFlag = t.Optional(lenientBoolean({ nullable: true, description: "Ignored." }));

/** Flags that clients of FastAPI Users may send but only superusers can change. */
export const ignoredFlags = { is_active: ignoredFlag, is_superuser: ignoredFlag, is_verified: ignoredFlag };

const example = { email: "ada@example.com", password: "correct horse battery staple" };

export const registerBody = t.Object(
  { email: emailField, password: passwordField, ...ignoredFlags },
  { examples: [example] },
);

const ignoredText = t.Optional(t.String({ description: "Ignored.", examples: [""] }));

export const loginForm = t.Object(
  {
    username: t.String({ description: "The email address.", examples: [example.email] }),
    password: t.String({ format: "password", examples: [example.password] }),
    grant_type: t.Optional(
      t.String({ pattern: "^password$", description: "May be left out.", examples: ["password"] }),
    ),
    scope: ignoredText,
    client_id: ignoredText,
    client_secret: ignoredText,
  },
  { examples: [{ username: example.email, password: example.password }] },
);

const mailedToken = t.String({ description: "From the email.", examples: ["eyJhbGciOiJIUzI1NiJ9.e30.X…"] });

export const emailBody = t.Object({ email: emailField });
export const tokenBody = t.Object({ token: mailedToken });
export const resetBody = t.Object({ token: mailedToken, password: passwordField });

export const bearerTokenSchema = t.Object(
  {
    access_token: t.String({
      description: "The token. Send it as `Authorization: Bearer <token>`.",
      examples: ["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.ZRrHA1JJJW8opsbCGfG_HACGpVUMN_a9IV7pAx_Zmeo"],
    }),
    token_type: t.Literal("bearer"),
  },
  { $id: "BearerToken" },
);
