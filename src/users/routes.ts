import { Elysia } from "elysia";

import { changeAccount, type AccountChanges, type AccountServices } from "../auth/accounts.ts";
import { partiesOf } from "../auth/client.ts";
import { validEmailAddress } from "../auth/email-address.ts";
import { refuseAllButSuperusers, refuseStrangers, signedInPlugin } from "../auth/signed-in.ts";
import { ignoreBody, readJson } from "../http/bodies.ts";
import { canonicalId } from "../http/canonical-id.ts";
import type { User } from "../database/users.ts";
import { ApiError } from "../errors.ts";
import type { RateLimits } from "../auth/rate-limits.ts";
import type { Viewers } from "../auth/viewers.ts";
import type { Connections } from "../http/connections.ts";
import type { Background } from "../operation/background.ts";
import type { Sweeper } from "../posts/sweeper.ts";
import { isTrue } from "../http/validation.ts";
import { described } from "./descriptions.ts";
import { removeUser } from "./removing.ts";
import { anyChanges, ownChanges } from "./schemas.ts";
import { userRead } from "./user-read.ts";

export interface UserServices extends AccountServices {
  readonly viewers: Viewers;
  readonly limits: RateLimits;
  readonly connections: Connections;
  readonly background: Background;
  readonly sweeper: Sweeper;
}

/** Accounts, as their owners and superusers see and change them. */
export const userRoutes = (services: UserServices) => {
  const { viewers, database, limits, hashing, connections } = services;

  /** @throws ApiError NOT_FOUND for an unknown id, and for what is no id at all */
  async function userById(id: string): Promise<User> {
    const user = await database.users.byId(canonicalId(id));
    if (!user) throw new ApiError("NOT_FOUND");
    return user;
  }

  /** Hashes new passwords within the limits of the account that asks, which need not be the one that changes. */
  const hashFor = (request: Request, account: string) => (password: string) => {
    const client = { address: connections.addressOf(request), account };
    return limits.newPassword(client, () => hashing.hash(password, partiesOf(client)));
  };

  return new Elysia({ prefix: "/users", detail: { tags: ["users"] } })
    .use(signedInPlugin(viewers))
    .get("/me", ({ viewer }) => userRead(viewer), {
      signedIn: true,
      detail: described.me,
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
        parse: [refuseStrangers(viewers), readChanges],
        body: ownChanges,
        detail: described.changeMe,
      },
    )
    .get("/:id", async ({ params }) => userRead(await userById(params.id)), {
      superuser: true,
      detail: described.read,
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
        parse: [refuseAllButSuperusers(viewers), readChanges],
        body: anyChanges,
        detail: described.change,
      },
    )
    .delete(
      "/:id",
      async ({ params, actor, set }) => {
        await removeUser(services, actor, canonicalId(params.id));
        set.status = 204;
      },
      {
        superuser: true,
        parse: [refuseAllButSuperusers(viewers), ignoreBody],
        detail: described.remove,
      },
    );
};

/** A password of null is none, as FastAPI Users has it. */
async function readChanges(context: { request: Request }): Promise<Record<string, unknown>> {
  const { password, ...others } = await readJson(context);
  return password === undefined || password === null ? others : { ...others, password };
}

/** Only what the client sent: a field left out stays as it is. */
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
