import { describe, type ResponseDescription } from "../../openapi/describe.ts";
import { bearerTokenSchema } from "../auth-schemas.ts";
import { userSchema } from "../user-read.ts";
import { authorizationSchema, providerLogoutSchema, signInMethodsSchema } from "./schemas.ts";

const onlyWithProvider = "404 where the service has no provider (`OIDC_ISSUER`).";

/** The answer to a browser that opens the address. */
const redirect = (meaning: string): Record<number, ResponseDescription> => ({
  303: { meaning, body: null, headers: ["Location", "Set-Cookie"] },
});

const beginErrors = ["OAUTH_PROVIDER_UNAVAILABLE", "OVERLOADED", "TOO_MANY_REQUESTS", "NOT_FOUND"] as const;

const callbackErrors = [
  "OAUTH_INVALID_STATE",
  "OAUTH_ACCESS_DENIED",
  "OAUTH_FAILED",
  "OAUTH_USER_ALREADY_EXISTS",
  ...beginErrors,
] as const;

/** The query of a callback (OpenID Connect Core, 3.1.2.5). */
const callbackQuery = {
  code: { description: "The provider's code.", schema: { type: "string" } },
  state: { description: "The state of the sign-in.", schema: { type: "string" } },
  iss: { description: "The provider (RFC 9207).", schema: { type: "string" } },
  error: { description: "Why the provider refused the sign-in.", schema: { type: "string" } },
} as const;

const confirmationErrors = ["CURRENT_PASSWORD_REQUIRED", "CURRENT_PASSWORD_WRONG", ...beginErrors] as const;

const authorization = {
  status: 200,
  meaning: "Where to sign in. The cookie belongs to this sign-in.",
  body: authorizationSchema,
  headers: ["Set-Cookie"],
} as const;

/** The OpenAPI descriptions of the routes of sign-ins with a provider. */
export const oidcDescriptions = {
  authorize: describe({
    id: "oidcAuthorize",
    summary: "Begin a sign-in with the provider",
    description:
      "Returns the address of the OpenID Connect provider where the user signs in, and sets a cookie that the callback needs " +
      `within ten minutes. A browser that opens the address is sent to the provider. ${onlyWithProvider}`,
    query: {
      return_to: {
        description: "The view of the page where the browser goes afterwards, such as `#/account`.",
        schema: { type: "string", pattern: "^#/" },
      },
      invitation: {
        description: "The token of an invitation, with which a new account may be made.",
        schema: { type: "string" },
      },
    },
    answer: authorization,
    others: redirect("To a browser: the provider, or the page with an `error` if it cannot be reached."),
    errors: beginErrors,
  }),
  callback: describe({
    id: "oidcCallback",
    summary: "Complete a sign-in with the provider",
    description:
      "The provider sends the browser here. Begins a session: a browser gets the cookie and goes to the page, other clients " +
      "get the token of the session. An unknown identity is linked to the account with its address if both the provider " +
      "and the service have verified the address; otherwise it gets a new account where registration is open, or with " +
      `an invitation. ${onlyWithProvider}`,
    query: callbackQuery,
    answer: {
      status: 200,
      meaning: "The token of a session.",
      body: bearerTokenSchema,
      headers: ["Set-Cookie"],
    },
    others: redirect("To a browser: the page, with an `error` if the sign-in failed."),
    errors: [
      ...callbackErrors,
      "OAUTH_NOT_AVAILABLE_EMAIL",
      "LOGIN_BAD_CREDENTIALS",
      "LOGIN_USER_NOT_VERIFIED",
      "REGISTER_CLOSED",
      "REGISTER_BAD_INVITATION",
    ],
  }),
  logout: describe({
    id: "oidcLogout",
    summary: "Get the provider's logout page",
    description:
      "Returns the address where users sign out at the provider too. It ends no session of this service: log out first. " +
      onlyWithProvider,
    answer: { status: 200, meaning: "The address.", body: providerLogoutSchema },
    errors: beginErrors,
  }),
  associate: describe({
    id: "oidcAssociateAuthorize",
    summary: "Begin to link an identity",
    description:
      "Returns the address where you sign in at the provider to link your identity there to your account. Needs an access " +
      `token, or a session that began within the last ten minutes. ${onlyWithProvider}`,
    answer: authorization,
    errors: confirmationErrors,
    audience: "signed in",
  }),
  associateConfirmed: describe({
    id: "oidcAssociateAuthorizeConfirmed",
    summary: "Begin to link an identity, with the current password",
    description:
      "As the GET, but with a session of any age. An account without a password still needs a session that began within the last ten minutes.",
    answer: authorization,
    errors: [...confirmationErrors, "BODY_TOO_LARGE"],
    validates: true,
    audience: "signed in",
  }),
  associateCallback: describe({
    id: "oidcAssociateCallback",
    summary: "Link an identity",
    description:
      "The provider sends the browser here. Links the identity to the signed-in account, which must be the one that began. " +
      `The account's address gets a notice. ${onlyWithProvider}`,
    query: callbackQuery,
    answer: { status: 200, meaning: "Your account.", body: userSchema, headers: ["Set-Cookie"] },
    others: redirect("To a browser: the page, with an `error` if the identity was not linked."),
    errors: callbackErrors,
    audience: "signed in",
  }),
  list: describe({
    id: "listIdentities",
    summary: "List your ways to sign in",
    description: "Returns the identities that are linked to your account, and whether it has a password.",
    answer: { status: 200, meaning: "Your ways to sign in.", body: signInMethodsSchema },
    audience: "signed in",
  }),
  unlink: describe({
    id: "unlinkIdentity",
    summary: "Unlink an identity",
    description:
      "It can no longer sign in, unless it has the account's own address and both sides have verified that: the next sign-in " +
      "links it again then. Sessions go on. The last way to sign in cannot be unlinked.",
    answer: { status: 204, meaning: "The identity is unlinked.", body: null },
    errors: ["NOT_FOUND", "LAST_SIGN_IN_METHOD"],
    audience: "signed in",
    path: { id: { description: "The identity's id.", schema: { type: "string", format: "uuid" } } },
  }),
};
