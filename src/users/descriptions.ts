import { describe } from "../docs/describe.ts";

const changes = [
  "UPDATE_USER_INVALID_PASSWORD",
  "UPDATE_USER_EMAIL_ALREADY_EXISTS",
  "BODY_TOO_LARGE",
  "TOO_MANY_REQUESTS",
  "OVERLOADED",
] as const;

/** What the API's document says of the routes of users. */
export const described = {
  me: describe({
    id: "readMe",
    summary: "The signed-in account",
    answer: { status: 200, body: "UserRead" },
    audience: "signed in",
  }),
  changeMe: describe({
    id: "changeMe",
    summary: "Change the signed-in account",
    description:
      "A new address has to be proved again; a new password ends every token. The flags are ignored.",
    answer: { status: 200, body: "UserRead" },
    errors: changes,
    validates: true,
    audience: "signed in",
  }),
  read: describe({
    id: "readUser",
    summary: "Anybody's account",
    answer: { status: 200, body: "UserRead" },
    errors: ["NOT_FOUND"],
    audience: "superusers",
  }),
  change: describe({
    id: "changeUser",
    summary: "Change anybody's account",
    description: "A deactivation or a new password ends every token of the account.",
    answer: { status: 200, body: "UserRead" },
    errors: ["NOT_FOUND", ...changes],
    validates: true,
    audience: "superusers",
  }),
  remove: describe({
    id: "deleteUser",
    summary: "Delete an account with its posts and their media",
    answer: { status: 204, body: null },
    errors: ["NOT_FOUND"],
    audience: "superusers",
  }),
};
