import { describe } from "../docs/describe.ts";

const form = ["application/x-www-form-urlencoded", "multipart/form-data"];

/** What the API's document says of the routes of accounts. */
export const described = {
  register: describe({
    id: "register",
    summary: "Make an account",
    description:
      "Active, not verified, no superuser, whatever the flags say. Addresses are unique regardless of case.",
    answer: { status: 201, body: "UserRead" },
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
    summary: "Trade e-mail address and password for a token",
    description: "The token goes into `Authorization: Bearer …` and lives one hour.",
    answer: { status: 200, body: "BearerToken" },
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
    summary: "End this token",
    answer: { status: 204, body: null },
    audience: "signed in",
  }),
  forgotPassword: describe({
    id: "forgotPassword",
    summary: "Mail a token that resets the password",
    description: "The answer is the same whether or not somebody has the address.",
    answer: { status: 202, body: "null" },
    errors: ["BODY_TOO_LARGE", "TOO_MANY_REQUESTS"],
    validates: true,
  }),
  resetPassword: describe({
    id: "resetPassword",
    summary: "Set a new password",
    description: "By a mailed token, once. Every access token of the account ends.",
    answer: { status: 200, body: "null" },
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
    summary: "Mail a token that proves the address",
    description: "The answer is the same whether or not somebody has the address.",
    answer: { status: 202, body: "null" },
    errors: ["BODY_TOO_LARGE", "TOO_MANY_REQUESTS"],
    validates: true,
  }),
  verify: describe({
    id: "verify",
    summary: "Prove an address",
    description: "By a mailed token, which dies when the address changes.",
    answer: { status: 200, body: "UserRead" },
    errors: ["VERIFY_USER_BAD_TOKEN", "VERIFY_USER_ALREADY_VERIFIED", "BODY_TOO_LARGE"],
    validates: true,
  }),
};
