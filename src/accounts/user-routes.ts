import { Elysia } from "elysia";

import {
  changeAccount,
  deleteUser,
  type AccountChanges,
  type AccountServices,
  type DeletionServices,
} from "./accounts.ts";
import { authenticatedParties } from "./client.ts";
import { confirmPassword, isOwnSession } from "./current-password.ts";
import { validEmailAddress } from "./email-address.ts";
import { authPlugin, requireSuperuser, requireUser } from "./require-user.ts";
import { ignoreBody, readJson } from "../http/bodies.ts";
import { canonicalId } from "../http/canonical-id.ts";
import type { Actor } from "../database/actors.ts";
import type { User } from "../database/users.ts";
import { ApiError } from "../errors.ts";
import type { Authenticator } from "./authenticator.ts";
import type { Connections } from "../http/connections.ts";
import { isTrue } from "../http/validation.ts";
import { userDescriptions } from "./user-descriptions.ts";
import { updateUserBody, updateMeBody } from "./user-schemas.ts";
import { userRead, type UserRead } from "./user-read.ts";

export interface UserServices extends AccountServices, DeletionServices {
  readonly authenticator: Authenticator;
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

  /** Changes an account, see {@link changeAccount}, with the current password where the change needs it. */
  async function change(
    request: Request,
    actor: Actor,
    user: User,
    body: ChangesBody & { current_password?: string | undefined },
  ): Promise<UserRead> {
    const changes = changesOf(body);
    if (isOwnSession(actor, user.id)) {
      // Left out, or it could undo the change of another request without the current password.
      if (changes.email?.address === user.email) delete changes.email;
      if (changes.email !== undefined || changes.password !== undefined)
        await confirmPassword(services, user, body.current_password, connections.addressOf(request));
    }
    return userRead(await changeAccount(services, actor, user, changes, hashFor(request, actor.userId)));
  }

  return new Elysia({ prefix: "/users", detail: { tags: ["users"] } })
    .use(authPlugin(authenticator))
    .get("/me", ({ viewer }) => userRead(viewer), {
      signedIn: true,
      detail: userDescriptions.me,
    })
    .patch(
      "/me",
      async ({ body, viewer, actor, request }) => {
        const { email, password, current_password } = body;
        const user = await database.users.byId(viewer.id);
        if (!user) throw new ApiError("UNAUTHORIZED");
        return change(request, actor, user, { email, password, current_password });
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
      async ({ body, params, actor, request }) => change(request, actor, await userById(params.id), body),
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

/** Reads a JSON body without passwords that are null: as in FastAPI Users, a password of null means no change. */
async function readChanges(context: { request: Request }): Promise<Record<string, unknown>> {
  const body = await readJson(context);
  const isNullPassword = (name: string) => /^(?:current_)?password$/.test(name) && body[name] === null;
  return Object.fromEntries(Object.entries(body).filter(([name]) => !isNullPassword(name)));
}

/** A validated body. */
interface ChangesBody {
  email?: string | undefined;
  password?: string | undefined;
  is_active?: unknown;
  is_superuser?: unknown;
  is_verified?: unknown;
}

/** Converts a body. Fields that the client left out stay absent, so that they keep their values. */
function changesOf(body: ChangesBody): AccountChanges {
  const changes: AccountChanges = {};
  if (body.email !== undefined) changes.email = validEmailAddress(body.email);
  if (body.password !== undefined) changes.password = body.password;
  if (body.is_active !== undefined) changes.isActive = isTrue(body.is_active);
  if (body.is_superuser !== undefined) changes.isSuperuser = isTrue(body.is_superuser);
  if (body.is_verified !== undefined) changes.isVerified = isTrue(body.is_verified);
  return changes;
}
