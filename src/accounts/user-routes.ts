import { Elysia, t } from "elysia";

import {
  changeAccount,
  deleteAccount,
  deleteUser,
  type AccountChanges,
  type AccountServices,
  type DeletionServices,
} from "./accounts.ts";
import { authenticatedParties } from "./client.ts";
import { validName } from "./auth-schemas.ts";
import { confirmPassword, hasPassword, needsCurrentPassword } from "./current-password.ts";
import { requirePasswordLogin } from "./password-login.ts";
import { validEmailAddress } from "./email-address.ts";
import { authPlugin, requireSuperuser, requireUser } from "./require-user.ts";
import { ignoreBody, readJson } from "../http/bodies.ts";
import { canonicalId } from "../http/canonical-id.ts";
import { pageQuery } from "../http/page-query.ts";
import { queryOf } from "../http/request-path.ts";
import type { Actor } from "../database/actors.ts";
import type { User, Viewer } from "../database/users.ts";
import { ApiError, ValidationProblems } from "../errors.ts";
import type { Authenticator } from "./authenticator.ts";
import type { Connections } from "../http/connections.ts";
import type { RequestIds } from "../http/request-id.ts";
import type { LoginLog } from "./login-log.ts";
import type { LogFields } from "../observability/log.ts";
import { isTrue } from "../http/validation.ts";
import { userDescriptions } from "./user-descriptions.ts";
import { createExports, type ExportServices } from "./export.ts";
import { listUsers } from "./user-list.ts";
import { deleteMeBody, updateUserBody, updateMeBody } from "./user-schemas.ts";
import { userRead, type OwnUserRead, type UserRead } from "./user-read.ts";

export interface UserServices extends AccountServices, DeletionServices, ExportServices {
  readonly authenticator: Authenticator;
  readonly connections: Connections;
  /** Bytes that the posts of one account may have; undefined for no limit. */
  readonly userQuota: number | undefined;
  readonly requestIds: RequestIds;
  readonly loginLog: LoginLog;
}

/** Accounts, as their owners and superusers see and change them. */
export const userRoutes = (services: UserServices) => {
  const { authenticator, database, limits, hashing, connections, userQuota, log, loginLog, requestIds } =
    services;

  const exports = createExports(services);

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

  /** Confirms the deletion of a user's own account. The body must have the password of an account with one. */
  function confirmDeletion(request: Request, actor: Actor, user: User, password: string | undefined) {
    if (password === undefined && hasPassword(services, user))
      throw new ValidationProblems([{ type: "missing", loc: ["body", "password"], msg: "Field required" }]);
    return confirmPassword(services, request, actor, user, password);
  }

  /** Changes an account, see {@link changeAccount}, with the current password where the change needs it. */
  async function change(
    request: Request,
    actor: Actor,
    user: User,
    body: ChangesBody & { current_password?: string | undefined },
  ): Promise<UserRead> {
    const changes = changesOf(body);
    if (changes.password !== undefined) requirePasswordLogin(services);
    if (needsCurrentPassword(actor, user.id)) {
      // Drops an unchanged address: writing it back could undo a concurrent change without the current password.
      if (changes.email?.address === user.email) delete changes.email;
      if (changes.email !== undefined || changes.password !== undefined)
        await confirmPassword(services, request, actor, user, body.current_password);
    }
    // Superusers see every address anyway.
    if (changes.email && changes.email.uniqueKey !== user.emailKey && !actor.mustBeSuperuser)
      await limits.newAddress({ address: connections.addressOf(request), account: actor.userId });
    return userRead(await changeAccount(services, actor, user, changes, hashFor(request, actor.userId)));
  }

  /** Writes an audit line about a change that a superuser made to an account. */
  const audit = (event: string, request: Request, actor: Actor, user: string, fields: LogFields = {}) =>
    log.info(event, { ...requestIds.fieldsOf(request), actor: actor.userId, user, ...fields });

  /** Returns the signed-in user's account with its usage. */
  async function readWithUsage(viewer: Viewer): Promise<OwnUserRead> {
    const { posts, bytes } = await database.usage.of(viewer.id);
    return { ...userRead(viewer), usage: { posts, bytes, quota: userQuota ?? null } };
  }

  async function exportMe(request: Request, viewer: Viewer): Promise<Response> {
    const user = await database.users.byId(viewer.id);
    if (!user) throw new ApiError("UNAUTHORIZED");
    const address = connections.addressOf(request);
    const archive = request.method === "HEAD" ? null : await exports.start(user, address, request.signal);
    connections.allowPauses(request);
    const day = new Date().toISOString().slice(0, 10);
    return new Response(archive, {
      headers: {
        "content-type": "application/zip",
        "content-disposition": `attachment; filename="image-sharing-${day}.zip"`,
        "cache-control": "no-store",
      },
    });
  }

  return new Elysia({ prefix: "/users", detail: { tags: ["users"] } })
    .use(authPlugin(authenticator))
    .get(
      "/me",
      ({ viewer, request }) => (includesUsage(request.url) ? readWithUsage(viewer) : userRead(viewer)),
      { signedIn: true, detail: userDescriptions.me },
    )
    .patch(
      "/me",
      async ({ body, viewer, actor, request }) => {
        const { email, password, name, current_password } = body;
        const user = await database.users.byId(viewer.id);
        if (!user) throw new ApiError("UNAUTHORIZED");
        return change(request, actor, user, { email, password, name, current_password });
      },
      {
        signedIn: true,
        parse: [requireUser(authenticator), readChanges],
        body: updateMeBody,
        detail: userDescriptions.changeMe,
      },
    )
    .delete(
      "/me",
      async ({ body, viewer, actor, request, set }) => {
        await deleteAccount(services, actor, viewer.id, (user) =>
          confirmDeletion(request, actor, user, body.password),
        );
        set.status = 204;
      },
      {
        signedIn: true,
        parse: [requireUser(authenticator), readJson],
        body: deleteMeBody,
        detail: userDescriptions.removeMe,
      },
    )
    .get("/me/export", ({ viewer, request }) => exportMe(request, viewer), {
      signedIn: true,
      detail: userDescriptions.export,
    })
    .get("", ({ query }) => listUsers(database, query), {
      superuser: true,
      query: t.Object({ search: t.Optional(t.String()), ...pageQuery }),
      detail: userDescriptions.list,
    })
    .get("/:id", async ({ params }) => userRead(await userById(params.id)), {
      superuser: true,
      detail: userDescriptions.read,
    })
    .patch(
      "/:id",
      async ({ body, params, actor, request }) => {
        const user = await userById(params.id);
        const changed = await change(request, actor, user, body);
        const { current_password: _confirmation, ...changes } = body;
        audit("user.changed", request, actor, user.id, { changes: Object.keys(changes) });
        return changed;
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
      async ({ params, actor, request, set }) => {
        const id = canonicalId(params.id);
        // As for `DELETE /users/me`, which takes the password.
        if (needsCurrentPassword(actor, id)) throw new ApiError("CURRENT_PASSWORD_REQUIRED");
        await deleteUser(services, actor, id);
        audit("user.deleted", request, actor, id);
        set.status = 204;
      },
      {
        superuser: true,
        parse: [requireSuperuser(authenticator), ignoreBody],
        detail: userDescriptions.remove,
      },
    );
};

/**
 * Returns whether `?include=usage` is set. Not a query schema, which would slow down every request for an account.
 * @throws ValidationProblems for any value but `usage`
 */
function includesUsage(url: string): boolean {
  if (!url.includes("?")) return false;
  const included = queryOf(url).getAll("include");
  if (included.some((value) => value !== "usage"))
    throw new ValidationProblems([
      {
        type: "string_pattern_mismatch",
        loc: ["query", "include"],
        msg: "String should match pattern '^usage$'",
      },
    ]);
  return included.length > 0;
}

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
  name?: string | null | undefined;
  is_active?: unknown;
  is_superuser?: unknown;
  is_verified?: unknown;
}

/** Converts a body. Fields that the client left out stay absent, so that they keep their values. */
function changesOf(body: ChangesBody): AccountChanges {
  const changes: AccountChanges = {};
  if (body.email !== undefined) changes.email = validEmailAddress(body.email);
  if (body.password !== undefined) changes.password = body.password;
  if (body.name !== undefined) changes.name = validName(body.name);
  if (body.is_active !== undefined) changes.isActive = isTrue(body.is_active);
  if (body.is_superuser !== undefined) changes.isSuperuser = isTrue(body.is_superuser);
  if (body.is_verified !== undefined) changes.isVerified = isTrue(body.is_verified);
  return changes;
}
