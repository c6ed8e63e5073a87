import { Type as t, type Static } from "@sinclair/typebox";

import type { Identity } from "../../database/identities.ts";
import { nullable, uuid } from "../../openapi/schemas.ts";

/** FastAPI Users' `OAuth2AuthorizeResponse`. */
export const authorizationSchema = t.Object(
  {
    authorization_url: t.String({
      format: "uri",
      description: "Where the user signs in. Open it in the browser that got the cookie.",
      examples: ["https://id.example.com/authorize?client_id=photos&response_type=code&state=Vd4x"],
    }),
  },
  { $id: "OAuth2AuthorizeResponse" },
);

export const providerLogoutSchema = t.Object(
  {
    logout_url: nullable(
      t.String({
        format: "uri",
        description: "The provider's page that signs the user out there; null if it has none.",
        examples: ["https://id.example.com/logout?client_id=photos"],
      }),
    ),
  },
  { $id: "ProviderLogout" },
);

/** The body that confirms the start of a linking. */
export const confirmationBody = t.Object(
  {
    password: t.Optional(
      t.String({
        description: "Your current password.",
        examples: ["correct horse battery staple"],
        problem: { type: "string_type", msg: "Input should be a valid string" },
      }),
    ),
  },
  { examples: [{ password: "correct horse battery staple" }] },
);

const time = (example: string, description: string) =>
  t.String({ format: "date-time", description, examples: [example] });

const identitySchema = t.Object({
  id: uuid("0c8d2f0e-3b1b-4a8e-9f37-7d1f5a2b6c11", "For `DELETE /users/me/identities/{id}`."),
  issuer: t.String({ description: "The provider.", examples: ["https://id.example.com"] }),
  email: nullable(
    t.String({
      description: "Your address at the provider when you last signed in with it.",
      examples: ["ada@example.com"],
    }),
  ),
  created_at: time("2026-01-31T12:00:00.000Z", "When it was linked."),
  last_used_at: time("2026-02-03T08:12:09.000Z", "When you last signed in with it."),
});

export const signInMethodsSchema = t.Object(
  {
    identities: t.Array(identitySchema),
    has_password: t.Boolean({
      description: "Whether you can sign in with a password too.",
      examples: [true],
    }),
  },
  { $id: "SignInMethods" },
);

/** Returns an identity as the API shows it. */
export const identityRead = (identity: Identity): Static<typeof identitySchema> => ({
  id: identity.id,
  issuer: identity.issuer,
  email: identity.email,
  created_at: identity.createdAt.toISOString(),
  last_used_at: identity.lastUsedAt.toISOString(),
});
