import { Elysia } from "elysia";

import { ignoreBody, readForm, readJson } from "../http/bodies.ts";
import type { Connections } from "../http/connections.ts";
import type { RequestOrigin } from "../http/request-origin.ts";
import type { Actor } from "../database/actors.ts";
import type { User } from "../database/users.ts";
import { ApiError } from "../errors.ts";
import { userRead } from "./user-read.ts";
import { login, logout, register, type RegistrationServices } from "./accounts.ts";
import { claimedParties } from "./client.ts";
import { authDescriptions } from "./auth-descriptions.ts";
import { addressKey, validEmailAddress } from "./email-address.ts";
import type { LoginLog } from "./login-log.ts";
import { loginForm, registerBody, validName } from "./auth-schemas.ts";
import { authPlugin, requireUnverifiedUser, requireUser } from "./require-user.ts";
import { refuseWithoutPasswords } from "./password-login.ts";
import type { Authenticator } from "./authenticator.ts";
import type { SessionCookie } from "./session-cookie.ts";
import type { Sessions } from "./sessions.ts";

export interface AuthServices extends RegistrationServices {
  readonly authenticator: Authenticator;
  readonly connections: Connections;
  readonly loginLog: LoginLog;
  readonly sessions: Sessions;
  readonly sessionCookie: SessionCookie;
  readonly requestOrigin: (request: Request) => RequestOrigin;
}

/**
 * Registration, login and logout, with FastAPI Users' paths, bodies and codes. There are three ways to log in, its
 * authentication backends: an access token, a session whose token the client keeps, and a session with a cookie.
 */
export const authRoutes = (services: AuthServices) => {
  const { authenticator, limits, connections, loginLog, tokens, sessions, sessionCookie } = services;

  /**
   * Logs in within the limits of the client.
   * @param issue returns the token that the user gets
   */
  async function tokenFor(
    request: Request,
    { username, password }: typeof loginForm.static,
    issue: (user: User) => Promise<string>,
  ): Promise<string> {
    const client = { address: connections.addressOf(request), account: addressKey(username) };
    const attempt = async () => {
      const user = await login(services, username, password, claimedParties(client));
      return { userId: user.id, token: await issue(user) };
    };
    return (await loginLog.record(request, client, () => limits.login(client, attempt))).token;
  }

  const sessionFor = (request: Request, form: typeof loginForm.static) =>
    tokenFor(request, form, (user) => sessions.begin(user, request.headers.get("user-agent")));

  /** A parser that reads nothing and rejects logins from other websites, which could sign a visitor in as somebody else. */
  function refuseForeignOrigin({ request }: { request: Request }): void {
    if (services.requestOrigin(request) === "foreign") throw new ApiError("CROSS_ORIGIN_REQUEST");
  }

  /**
   * Ends the session of the cookie that is sent beside an `Authorization` header, if it is one of the same account. Its
   * cookie is about to be removed. Any origin may ask for that, because the header's token may end all sessions anyway.
   */
  async function endCookieSession(request: Request, actor: Actor): Promise<void> {
    const token = sessionCookie.read(request.headers);
    const found = token === undefined ? undefined : await sessions.find(token);
    if (found && found.session.id !== actor.credential.id)
      await services.database.sessions.end(actor, found.session.id);
  }

  const refusePasswords = refuseWithoutPasswords(services);
  const guarded = { signedIn: true as const, parse: [requireUser(authenticator), ignoreBody] };
  /** Users whose new address is not verified yet can sign out: their sessions last for months. */
  const guardedSession = {
    mayBeUnverified: true as const,
    parse: [requireUnverifiedUser(authenticator), ignoreBody],
  };

  return new Elysia({ prefix: "/auth", detail: { tags: ["auth"] } })
    .use(authPlugin(authenticator))
    .post(
      "/register",
      async ({ body, set, request }) => {
        const address = connections.addressOf(request);
        await limits.register({ address });
        const email = validEmailAddress(body.email);
        const parties = claimedParties({ address, account: email.uniqueKey });
        const registration = { email, password: body.password, name: validName(body.name ?? null) };
        const user = await register(services, registration, body.invitation ?? null, parties);
        set.status = 201;
        return userRead(user);
      },
      { parse: [refusePasswords, readJson], body: registerBody, detail: authDescriptions.register },
    )
    .post(
      "/jwt/login",
      async ({ body, request }) => bearer(await tokenFor(request, body, tokens.issueAccess)),
      { parse: [refusePasswords, readForm], body: loginForm, detail: authDescriptions.login },
    )
    .post("/session/login", async ({ body, request }) => bearer(await sessionFor(request, body)), {
      parse: [refusePasswords, readForm],
      body: loginForm,
      detail: authDescriptions.sessionLogin,
    })
    .post(
      "/cookie/login",
      async ({ body, request }) => noContent(sessionCookie.store(await sessionFor(request, body))),
      {
        parse: [refuseForeignOrigin, refusePasswords, readForm],
        body: loginForm,
        detail: authDescriptions.cookieLogin,
      },
    )
    .post(
      "/jwt/logout",
      async ({ actor, set }) => {
        await logout(services, actor);
        set.status = 204;
      },
      { ...guarded, detail: authDescriptions.logout },
    )
    .post(
      "/session/logout",
      async ({ actor, set }) => {
        await logout(services, actor);
        set.status = 204;
      },
      { ...guardedSession, detail: authDescriptions.sessionLogout },
    )
    .post(
      "/cookie/logout",
      async ({ actor, request }) => {
        // First, because afterwards the actor may end nothing more.
        await endCookieSession(request, actor);
        await logout(services, actor);
        return noContent(sessionCookie.clear);
      },
      { ...guardedSession, detail: authDescriptions.cookieLogout },
    );
};

const bearer = (token: string) => ({ access_token: token, token_type: "bearer" });

const noContent = (cookie: string) => new Response(null, { status: 204, headers: { "set-cookie": cookie } });
