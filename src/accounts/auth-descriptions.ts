import { describe } from "../openapi/describe.ts";
import { userSchema } from "./user-read.ts";
import { bearerTokenSchema } from "./auth-schemas.ts";
import { tokenLifetimeText } from "./tokens.ts";

const form = ["application/x-www-form-urlencoded", "multipart/form-data"];

/** The OpenAPI descriptions of the routes under `/auth`. */
export const authDescriptions = {
  register: describe({
    id: "register",
    summary: "Create an account",
    description:
      "The account is active at once and its email address is not verified yet. Email addresses are unique regardless " +
      "of case. `is_active`, `is_superuser` and `is_verified` are accepted for compatibility and ignored.",
    answer: { status: 201, meaning: "The new account.", body: userSchema },
    errors: [
      "REGISTER_INVALID_PASSWORD",
      "REGISTER_USER_ALREADY_EXISTS",
      "BODY_TOO_LARGE",
      "TOO_MANY_REQUESTS",
      "OVERLOADED",
    ],
    validates: true,
  }),
  login: describe({
    id: "login",
    summary: "Log in",
    description:
      "Exchanges an email address, sent as `username`, and a password for an access token. Send the token with other " +
      `requests as \`Authorization: Bearer <token>\`. It is valid for ${tokenLifetimeText}.`,
    answer: { status: 200, meaning: "An access token.", body: bearerTokenSchema },
    errors: [
      "LOGIN_BAD_CREDENTIALS",
      "LOGIN_USER_NOT_VERIFIED",
      "BAD_MULTIPART",
      "BODY_TOO_LARGE",
      "TOO_MANY_REQUESTS",
      "OVERLOADED",
    ],
    validates: true,
    accepts: form,
  }),
  logout: describe({
    id: "logout",
    summary: "Log out",
    description: "Revokes the access token of this request. Other tokens of the account stay valid.",
    answer: { status: 204, meaning: "The token is revoked.", body: null },
    audience: "signed in",
  }),
  forgotPassword: describe({
    id: "forgotPassword",
    summary: "Request a password reset",
    description:
      `Emails a token that is valid for ${tokenLifetimeText}, if an active account has this address. The response is the ` +
      "same either way, so it does not reveal whether an account exists.",
    answer: { status: 202, meaning: "Accepted, whether or not an account has this address.", body: "null" },
    errors: ["BODY_TOO_LARGE", "TOO_MANY_REQUESTS"],
    validates: true,
  }),
  resetPassword: describe({
    id: "resetPassword",
    summary: "Reset a password",
    description:
      "Sets a new password with the token from a password reset email. A token works once. All access tokens of the " +
      "account are revoked.",
    answer: { status: 200, meaning: "The password is changed.", body: "null" },
    errors: [
      "RESET_PASSWORD_BAD_TOKEN",
      "RESET_PASSWORD_INVALID_PASSWORD",
      "BODY_TOO_LARGE",
      "TOO_MANY_REQUESTS",
      "OVERLOADED",
    ],
    validates: true,
  }),
  requestVerifyToken: describe({
    id: "requestVerifyToken",
    summary: "Request a verification email",
    description:
      `Emails a token that is valid for ${tokenLifetimeText}, if an active account has this address and has not verified ` +
      "it yet. The response is the same either way, so it does not reveal whether an account exists.",
    answer: { status: 202, meaning: "Accepted, whether or not an account has this address.", body: "null" },
    errors: ["BODY_TOO_LARGE", "TOO_MANY_REQUESTS"],
    validates: true,
  }),
  verify: describe({
    id: "verify",
    summary: "Verify an email address",
    description:
      "Takes the token from a verification email. It is valid only as long as the account keeps the address that the " +
      "email was sent to.",
    answer: { status: 200, meaning: "The account, now verified.", body: userSchema },
    errors: ["VERIFY_USER_BAD_TOKEN", "VERIFY_USER_ALREADY_VERIFIED", "BODY_TOO_LARGE"],
    validates: true,
  }),
};
