import { describe } from "../openapi/describe.ts";
import { pageParameters } from "../http/page-request.ts";
import { ownUserSchema, userPageSchema, userSchema } from "./user-read.ts";
import { maxSearchLength } from "./user-list.ts";

const changes = [
  "PASSWORD_LOGIN_OFF",
  "CURRENT_PASSWORD_REQUIRED",
  "CURRENT_PASSWORD_WRONG",
  "UPDATE_USER_INVALID_PASSWORD",
  "UPDATE_USER_EMAIL_ALREADY_EXISTS",
  "BODY_TOO_LARGE",
  "TOO_MANY_REQUESTS",
  "OVERLOADED",
] as const;

const path = {
  id: {
    description: "The account's id.",
    schema: { type: "string", format: "uuid" },
  },
} as const;

/** The OpenAPI descriptions of the routes under `/users`. */
export const userDescriptions = {
  me: describe({
    id: "readMe",
    summary: "Get your account",
    description:
      "Returns the account that the access token or session belongs to, with its usage if you ask for it.",
    query: {
      include: {
        description: "`usage` adds the space that your posts take up, and its limit.",
        schema: { type: "string", pattern: "^usage$" },
      },
    },
    answer: { status: 200, meaning: "Your account.", body: ownUserSchema },
    validates: true,
    audience: "signed in",
  }),
  changeMe: describe({
    id: "changeMe",
    summary: "Update your account",
    description:
      "Fields that are left out keep their values. A new email address has to be verified again. A new password ends " +
      "all access tokens and sessions of the account, including that of this request. With a session, a new address or " +
      "password needs `current_password`, or where the account has no password, a session that began within the last ten " +
      "minutes. The address that the account had before gets a notice. A `name` of null removes " +
      "the name. `is_active`, `is_superuser` and " +
      "`is_verified` are accepted for compatibility and ignored.",
    answer: { status: 200, meaning: "Your account after the update.", body: userSchema },
    errors: changes,
    validates: true,
    audience: "signed in",
  }),
  removeMe: describe({
    id: "deleteMe",
    summary: "Delete your account",
    description:
      "Deletes your account with all its posts, their media and every sign-in, at once and for good. Wrong passwords count " +
      "against the limit of logins. An account without a password needs a session that began within the last ten minutes.",
    answer: { status: 204, meaning: "The account is deleted.", body: null },
    errors: [
      "CURRENT_PASSWORD_REQUIRED",
      "CURRENT_PASSWORD_WRONG",
      "BODY_TOO_LARGE",
      "TOO_MANY_REQUESTS",
      "OVERLOADED",
    ],
    validates: true,
    audience: "signed in",
  }),
  export: describe({
    id: "exportMe",
    summary: "Download your data",
    description:
      "Streams a ZIP archive of your account: `account.json`, `posts.json`, the stored files under `media/`, and what the " +
      "service made of them under `renditions/`. It breaks off if the account is deleted or deactivated in the meantime, " +
      "or if you read less than 4 kB a second over five minutes. Two downloads may run at once.",
    answer: {
      status: 200,
      meaning: "The archive.",
      body: { media: ["application/zip"] },
      headers: ["Content-Disposition", "Cache-Control"],
    },
    errors: ["TOO_MANY_REQUESTS"],
    audience: "signed in",
  }),
  list: describe({
    id: "listUsers",
    summary: "List accounts",
    description: "Returns all accounts with their usage, newest first, in pages. For superusers.",
    query: {
      search: {
        description: "Only accounts whose email address or display name contains this text, in any case.",
        schema: { type: "string", maxLength: maxSearchLength },
      },
      ...pageParameters,
    },
    answer: { status: 200, meaning: "A page of accounts.", body: userPageSchema },
    validates: true,
    audience: "superusers",
  }),
  read: describe({
    id: "readUser",
    summary: "Get an account",
    description: "Returns any user's account. For superusers.",
    answer: { status: 200, meaning: "The account.", body: userSchema },
    errors: ["NOT_FOUND"],
    audience: "superusers",
    path,
  }),
  change: describe({
    id: "changeUser",
    summary: "Update an account",
    description:
      "Changes any user's account; fields that are left out keep their values. Deactivating the account or setting a new " +
      "password ends all its access tokens and sessions. For superusers.",
    answer: { status: 200, meaning: "The account after the update.", body: userSchema },
    errors: ["NOT_FOUND", ...changes],
    validates: true,
    audience: "superusers",
    path,
  }),
  remove: describe({
    id: "deleteUser",
    summary: "Delete an account",
    description:
      "Deletes any user's account with all its posts and their media. For superusers. With a session, your own account " +
      "is deleted by `DELETE /users/me` only, which takes the password.",
    answer: { status: 204, meaning: "The account is deleted.", body: null },
    errors: ["NOT_FOUND", "CURRENT_PASSWORD_REQUIRED"],
    audience: "superusers",
    path,
  }),
};
