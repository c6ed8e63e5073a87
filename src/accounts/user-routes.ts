import { Elysia } from "elysia";

import {
  changeAccount,
  deleteUser,
  type AccountChanges,
  type AccountServices,
  type DeletionServices,
} from "./accounts.ts";
import { authenticatedParties } from "./client.ts";
import { validEmailAddress } from "./email-address.ts";
import { authPlugin, requireSuperuser, requireUser } from "./require-user.ts";
import { ignoreBody, readJson } from "../http/bodies.ts";
import { canonicalId } from "../http/canonical-id.ts";
import type { User } from "../database/users.ts";
import { ApiError } from "../errors.ts";
import type { RateLimits } from "./rate-limits.ts";
import type { Authenticator } from "./authenticator.ts";
import type { Connections } from "../http/connections.ts";
import { isTrue } from "../http/validation.ts";
import { userDescriptions } from "./user-descriptions.ts";
import { updateUserBody, updateMeBody } from "./user-schemas.ts";
import { userRead } from "./user-read.ts";

export interface UserServices extends AccountServices, DeletionServices {
  readonly authenticator: Authenticator;
  readonly limits: RateLimits;
  readonly connections: Connections;
}

/** Accounts, as their owners and superusers see and change them. */
export const userRoutes = (services: UserServices) => {
  const { authenticator, database, limits, hashing, connections } = services;

  /** @throws ApiError NOT_FOUND for an unknown or malformed id */
  async function userById(id: string): Promise<User> {
    const user = await database.users.byId(canonicalId(id));
    if (!user) throw new ApiError("NOT_FOUND");
    return user;
  }

  /** Hashes new passwords within the limits of the signed-in account, which may be changing another account. */
  const hashFor = (request: Request, account: string) => (password: string) => {
    const client = { address: connections.addressOf(request), account };
    return limits.newPassword(client, () => hashing.hash(password, authenticatedParties(client)));
  };

  return new Elysia({ prefix: "/users", detail: { tags: ["users"] } })
    .use(authPlugin(authenticator))
    .get("/me", ({ viewer }) => userRead(viewer), {
      signedIn: true,
      detail: userDescriptions.me,
    })
    .patch(
      "/me",
      async ({ body, viewer, actor, request }) => {
        const { email, password } = body;
        const user = await database.users.byId(viewer.id);
        if (!user) throw new ApiError("UNAUTHORIZED");
        const changes = changesOf({ email, password });
        return userRead(await changeAccount(services, actor, user, changes, hashFor(request, viewer.id)));
      },
      {
        signedIn: true,
        parse: [requireUser(authenticator), readChanges],
        body: updateMeBody,
        detail: userDescriptions.changeMe,
      },
    )
    .get("/:id", async ({ params }) => userRead(await userById(params.id)), {
      superuser: true,
      detail: userDescriptions.read,
    })
    .patch(
      "/:id",
      async ({ body, params, viewer, actor, request }) => {
        const user = await userById(params.id);
        const hash = hashFor(request, viewer.id);
        return userRead(await changeAccount(services, actor, user, changesOf(body), hash));
      },
      {
        superuser: true,
        parse: [requireSuperuser(authenticator), readChanges],
        body: updateUserBody,
        detail: userDescriptions.change,
      },
    )
    .delete(
      "/:id",
      async ({ params, actor, set }) => {
        await deleteUser(services, actor, canonicalId(params.id));
        set.status = 204;
      },
      {
        superuser: true,
        parse: [requireSuperuser(authenticator), ignoreBody],
        detail: userDescriptions.remove,
      },
    );
};

/** Reads a JSON body. As in FastAPI Users, a password of null means no change. */
async function readChanges(context: { request: Request }): Promise<Record<string, unknown>> {
  const { password, ...others } = await readJson(context);
  return password === undefined || password === null ? others : { ...others, password };
}

/** Converts a validated body. Fields that the client left out stay absent, so that they keep their values. */
function changesOf(body: {
  email?: string | undefined;
  password?: string | undefined;
  is_active?: unknown;
  is_superuser?: unknown;
  is_verified?: unknown;
}): AccountChanges {
  const changes: AccountChanges = {};
  if (body.email !== undefined) changes.email = validEmailAddress(body.email);
  if (body.password !== undefined) changes.password = body.password;
  if (body.is_active !== undefined) changes.isActive = isTrue(body.is_active);
  if (body.is_superuser !== undefined) changes.isSuperuser = isTrue(body.is_superuser);
  if (body.is_verified !== undefined) changes.isVerified = isTrue(body.is_verified);
  return changes;
}
