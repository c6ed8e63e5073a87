import { Elysia } from "elysia";

import type { Database } from "../database/database.ts";
import { ApiError } from "../errors.ts";
import { ignoreBody } from "../http/bodies.ts";
import { canonicalId } from "../http/canonical-id.ts";
import { JsonResponse } from "../http/json-response.ts";
import type { Authenticator } from "./authenticator.ts";
import { authPlugin, requireUser } from "./require-user.ts";
import { sessionDescriptions } from "./session-descriptions.ts";
import { sessionRead } from "./session-read.ts";

export interface SessionRouteServices {
  readonly database: Database;
  readonly authenticator: Authenticator;
}

/** The sessions of the signed-in user. */
export const sessionRoutes = ({ database: { sessions }, authenticator }: SessionRouteServices) => {
  const guarded = { signedIn: true as const, parse: [requireUser(authenticator), ignoreBody] };

  return new Elysia({ prefix: "/users/me", detail: { tags: ["users"] } })
    .use(authPlugin(authenticator))
    .get(
      "/sessions",
      async ({ actor }) => {
        const found = await sessions.list(actor.userId, new Date());
        return JsonResponse.of(found.map((session) => sessionRead(session, actor.credential.id)));
      },
      { signedIn: true, detail: sessionDescriptions.list },
    )
    .delete(
      "/sessions",
      async ({ actor, set }) => {
        await sessions.endOthers(actor);
        set.status = 204;
      },
      { ...guarded, detail: sessionDescriptions.endOthers },
    )
    .delete(
      "/sessions/:id",
      async ({ actor, params, set }) => {
        if (!(await sessions.end(actor, canonicalId(params.id)))) throw new ApiError("NOT_FOUND");
        set.status = 204;
      },
      { ...guarded, detail: sessionDescriptions.end },
    );
};
