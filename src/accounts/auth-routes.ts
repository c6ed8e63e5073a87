import { Elysia } from "elysia";

import { ignoreBody, readForm, readJson } from "../http/bodies.ts";
import type { Connections } from "../http/connections.ts";
import { userRead } from "./user-read.ts";
import { login, logout, register, type AccountServices } from "./accounts.ts";
import { claimedParties } from "./client.ts";
import { authDescriptions } from "./auth-descriptions.ts";
import { addressKey, validEmailAddress } from "./email-address.ts";
import type { LoginLog } from "./login-log.ts";
import type { RateLimits } from "./rate-limits.ts";
import { loginForm, registerBody } from "./auth-schemas.ts";
import { requireUser, authPlugin } from "./require-user.ts";
import type { Authenticator } from "./authenticator.ts";

export interface AuthServices extends AccountServices {
  readonly authenticator: Authenticator;
  readonly limits: RateLimits;
  readonly connections: Connections;
  readonly loginLog: LoginLog;
}

/** Register, login, logout, with FastAPI Users' paths, bodies and codes. */
export const authRoutes = (services: AuthServices) => {
  const { limits, connections, loginLog } = services;
  return new Elysia({ prefix: "/auth", detail: { tags: ["auth"] } })
    .use(authPlugin(services.authenticator))
    .post(
      "/register",
      async ({ body, set, request }) => {
        const address = connections.addressOf(request);
        await limits.register({ address });
        const email = validEmailAddress(body.email);
        const parties = claimedParties({ address, account: email.uniqueKey });
        const user = await register(services, email, body.password, parties);
        set.status = 201;
        return userRead(user);
      },
      { parse: [readJson], body: registerBody, detail: authDescriptions.register },
    )
    .post(
      "/jwt/login",
      async ({ body, request }) => {
        const client = { address: connections.addressOf(request), account: addressKey(body.username) };
        const { token } = await loginLog.record(request, client, () =>
          limits.login(client, () => login(services, body.username, body.password, claimedParties(client))),
        );
        return { access_token: token, token_type: "bearer" };
      },
      {
        parse: [readForm],
        body: loginForm,
        detail: authDescriptions.login,
      },
    )
    .post(
      "/jwt/logout",
      async ({ actor, set }) => {
        await logout(services, actor);
        set.status = 204;
      },
      {
        signedIn: true,
        parse: [requireUser(services.authenticator), ignoreBody],
        detail: authDescriptions.logout,
      },
    );
};
