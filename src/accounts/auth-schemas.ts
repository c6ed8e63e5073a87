import { FormatRegistry, Type } from "@sinclair/typebox";
import { t } from "elysia";

import type { Problem } from "../errors.ts";
import { lenientBoolean } from "../http/validation.ts";
import { isWellFormedText } from "../http/well-formed-text.ts";
import { parseEmailAddress } from "./email-address.ts";
import { maxNameLength } from "../limits.ts";
import { parseName } from "./user-name.ts";

// TypeBox knows custom checks only by their names in this registry, which the whole process shares.
FormatRegistry.Set("email-address", (text) => !("problem" in parseEmailAddress(text)));
FormatRegistry.Set("password", isWellFormedText);
FormatRegistry.Set("display-name", (text) => typeof parseName(text) === "string");

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

/** A display name that {@link parseName} accepts, or null for none. */
export const nameField = t.Optional(
  t.Union([t.String({ format: "display-name" }), t.Null()], {
    description: "The name that others see, without surrounding spaces; null for none.",
    documented: { type: "string", minLength: 1, maxLength: maxNameLength, nullable: true },
    examples: ["Ada"],
    problem: (value: unknown) => {
      const parsed = typeof value === "string" ? parseName(value) : "";
      return typeof parsed === "string"
        ? { type: "string_type", msg: "Input should be a valid string" }
        : parsed;
    },
  }),
);

/** Returns a validated {@link nameField} as it is stored. */
export function validName(text: string | null): string | null {
  const parsed = text === null ? null : parseName(text);
  return typeof parsed === "object" ? null : parsed;
}

/** A whole number from `min` to `max`. */
export const integerField = ({
  min,
  max,
  ...about
}: {
  min: number;
  max: number;
  default: number;
  description: string;
}) =>
  // TypeBox's own integer: Elysia's accepts text too.
  Type.Integer({
    ...about,
    minimum: min,
    maximum: max,
    examples: [about.default],
    problem: (value: unknown): Pick<Problem, "type" | "msg"> => {
      if (!Number.isInteger(value)) return { type: "int_parsing", msg: "Input should be a valid integer" };
      return Number(value) < min
        ? { type: "greater_than_equal", msg: `Input should be greater than or equal to ${min}` }
        : { type: "less_than_equal", msg: `Input should be less than or equal to ${max}` };
    },
  });

const ignoredFlag = t.Optional(lenientBoolean({ nullable: true, description: "Ignored." }));

/** Flags that clients of FastAPI Users may send but only superusers can change. */
export const ignoredFlags = { is_active: ignoredFlag, is_superuser: ignoredFlag, is_verified: ignoredFlag };

const example = { email: "ada@example.com", password: "correct horse battery staple" };

export const registerBody = t.Object(
  {
    email: emailField,
    password: passwordField,
    name: nameField,
    invitation: t.Optional(
      t.Union([t.String(), t.Null()], {
        description: "The token of an invitation, from its link.",
        documented: { type: "string", nullable: true },
        problem: { type: "string_type", msg: "Input should be a valid string" },
      }),
    ),
    ...ignoredFlags,
  },
  { examples: [{ ...example, name: "Ada" }] },
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
