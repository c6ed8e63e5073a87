import { Elysia } from "elysia";

import type { OidcSettings } from "../../config/oidc-settings.ts";
import type { Database } from "../../database/database.ts";
import { ApiError } from "../../errors.ts";
import { ignoreBody } from "../../http/bodies.ts";
import { canonicalId } from "../../http/canonical-id.ts";
import { JsonResponse } from "../../http/json-response.ts";
import type { RequestIds } from "../../http/request-id.ts";
import type { Log } from "../../observability/log.ts";
import type { Authenticator } from "../authenticator.ts";
import { hasPassword } from "../current-password.ts";
import { authPlugin, requireUser } from "../require-user.ts";
import { oidcDescriptions } from "./descriptions.ts";
import { withoutSlash } from "./issuer.ts";
import { identityRead } from "./schemas.ts";

export interface IdentityRouteServices {
  readonly database: Database;
  readonly authenticator: Authenticator;
  readonly passwordLogin: boolean;
  readonly config: { readonly oidc: OidcSettings | undefined };
  readonly log: Log;
  readonly requestIds: RequestIds;
}

/** The ways in which the signed-in user can sign in. */
export const identityRoutes = (services: IdentityRouteServices) => {
  const { database, authenticator, log, requestIds } = services;

  /** Whether users can sign in with an identity of this issuer now. */
  function isUsable(issuer: string): boolean {
    const configured = services.config.oidc?.issuer;
    return configured !== undefined && withoutSlash(configured) === withoutSlash(issuer);
  }

  return new Elysia({ prefix: "/users/me", detail: { tags: ["users"] } })
    .use(authPlugin(authenticator))
    .get(
      "/identities",
      async ({ viewer }) => {
        const user = await database.users.byId(viewer.id);
        if (!user) throw new ApiError("UNAUTHORIZED");
        const identities = await database.identities.list(user.id);
        const body = { identities: identities.map(identityRead), has_password: hasPassword(services, user) };
        return JsonResponse.of(body);
      },
      { signedIn: true, detail: oidcDescriptions.list },
    )
    .delete(
      "/identities/:id",
      async ({ actor, params, request, set }) => {
        const id = canonicalId(params.id);
        const isUnlinked = await database.identities.unlink(actor, id, (user, remaining) => {
          if (!hasPassword(services, user) && !remaining.some(({ issuer }) => isUsable(issuer)))
            throw new ApiError("LAST_SIGN_IN_METHOD");
        });
        if (!isUnlinked) throw new ApiError("NOT_FOUND");
        log.info("identity.unlinked", { ...requestIds.fieldsOf(request), user: actor.userId });
        set.status = 204;
      },
      {
        signedIn: true,
        parse: [requireUser(authenticator), ignoreBody],
        detail: oidcDescriptions.unlink,
      },
    );
};
