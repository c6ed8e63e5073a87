import { describe } from "../openapi/describe.ts";
import { userSchema } from "./user-read.ts";
import { bearerTokenSchema } from "./auth-schemas.ts";
import { tokenLifetimeText } from "./tokens.ts";

/** The part of the descriptions that all logins share. */
const loginForm = {
  accepts: ["application/x-www-form-urlencoded", "multipart/form-data"],
  validates: true,
} as const;

const loginErrors = [
  "PASSWORD_LOGIN_OFF",
  "LOGIN_BAD_CREDENTIALS",
  "LOGIN_USER_NOT_VERIFIED",
  "BAD_MULTIPART",
  "BODY_TOO_LARGE",
  "TOO_MANY_REQUESTS",
  "OVERLOADED",
] as const;

/** The OpenAPI descriptions of the routes under `/auth`. */
export const authDescriptions = {
  register: describe({
    id: "register",
    summary: "Create an account",
    description:
      "The account is active at once and its email address is not verified yet. Email addresses are unique regardless " +
      "of case. Where registration is closed or by invitation only, `invitation` is required. `is_active`, `is_superuser` and `is_verified` are accepted for compatibility and ignored.",
    answer: { status: 201, meaning: "The new account.", body: userSchema },
    errors: [
      "PASSWORD_LOGIN_OFF",
      "REGISTER_CLOSED",
      "REGISTER_BAD_INVITATION",
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
    errors: loginErrors,
    ...loginForm,
  }),
  sessionLogin: describe({
    id: "sessionLogin",
    summary: "Begin a session",
    description:
      "Exchanges an email address, sent as `username`, and a password for the token of a session, which keeps a device " +
      "signed in. Send it like an access token. A session ends when it has not been used for `SESSION_LIFETIME` days, " +
      "and after a year.",
    answer: { status: 200, meaning: "The token of a session.", body: bearerTokenSchema },
    errors: loginErrors,
    ...loginForm,
  }),
  cookieLogin: describe({
    id: "cookieLogin",
    summary: "Begin a session with a cookie",
    description:
      "As `POST /auth/session/login`, for browsers: the token is stored in the cookie `fastapiusersauth`, which scripts " +
      "cannot read. Requests with the cookie that are not GET or HEAD, and this one, must come from a page of the " +
      "service or of an origin in `CORS_ORIGINS`.",
    answer: { status: 204, meaning: "The cookie is set.", body: null, headers: ["Set-Cookie"] },
    errors: ["CROSS_ORIGIN_REQUEST", ...loginErrors],
    ...loginForm,
  }),
  logout: describe({
    id: "logout",
    summary: "Log out",
    description:
      "Ends the access token or session of this request. Other tokens and sessions of the account stay valid.",
    answer: { status: 204, meaning: "The token is revoked.", body: null },
    audience: "signed in",
  }),
  sessionLogout: describe({
    id: "sessionLogout",
    summary: "End this session",
    description: "The same as `POST /auth/jwt/logout`.",
    answer: { status: 204, meaning: "The session has ended.", body: null },
    audience: "signed in",
  }),
  cookieLogout: describe({
    id: "cookieLogout",
    summary: "End this session and remove its cookie",
    description:
      "As `POST /auth/session/logout`, and removes the cookie. With a token in the `Authorization` header too, it ends both " +
      "that token and the cookie's session, if both are of the same account.",
    answer: { status: 204, meaning: "The session has ended.", body: null, headers: ["Set-Cookie"] },
    audience: "signed in",
  }),
  forgotPassword: describe({
    id: "forgotPassword",
    summary: "Request a password reset",
    description:
      `Emails a token that is valid for ${tokenLifetimeText}, if an active account has this address. The response is the ` +
      "same either way, so it does not reveal whether an account exists.",
    answer: { status: 202, meaning: "Accepted, whether or not an account has this address.", body: "null" },
    errors: ["PASSWORD_LOGIN_OFF", "BODY_TOO_LARGE", "TOO_MANY_REQUESTS"],
    validates: true,
  }),
  resetPassword: describe({
    id: "resetPassword",
    summary: "Reset a password",
    description:
      "Sets a new password with the token from a password reset email. A token works once. All access tokens and " +
      "sessions of the account end.",
    answer: { status: 200, meaning: "The password is changed.", body: "null" },
    errors: [
      "PASSWORD_LOGIN_OFF",
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
