import { describe } from "../openapi/describe.ts";
import { sessionsSchema } from "./session-read.ts";

/** The OpenAPI descriptions of the routes under `/users/me/sessions`. */
export const sessionDescriptions = {
  list: describe({
    id: "listSessions",
    summary: "List your sessions",
    description:
      "Returns the devices that stay signed in, the one used last first. A request with an access token is part of no " +
      "session, so none is `current`.",
    answer: { status: 200, meaning: "Your sessions.", body: sessionsSchema },
    audience: "signed in",
  }),
  end: describe({
    id: "endSession",
    summary: "End a session",
    description: "Signs out one of your devices, at once.",
    answer: { status: 204, meaning: "The session has ended.", body: null },
    errors: ["NOT_FOUND"],
    audience: "signed in",
    path: { id: { description: "The session's id.", schema: { type: "string", format: "uuid" } } },
  }),
  endOthers: describe({
    id: "endOtherSessions",
    summary: "End all other sessions",
    description: "Signs out all your devices except for the session of this request, if it has one.",
    answer: { status: 204, meaning: "The other sessions have ended.", body: null },
    audience: "signed in",
  }),
};
