import { Elysia } from "elysia";

import { readJson } from "../http/bodies.ts";
import { JsonResponse } from "../http/json-response.ts";
import type { Connections } from "../http/connections.ts";
import type { AccountServices } from "./accounts.ts";
import { userRead } from "./user-read.ts";
import { authDescriptions } from "./auth-descriptions.ts";
import { validEmailAddress } from "./email-address.ts";
import { requestReset, requestVerify, resetPassword, verify } from "./recovery.ts";
import { refuseWithoutPasswords } from "./password-login.ts";
import { emailBody, resetBody, tokenBody } from "./auth-schemas.ts";

export interface RecoveryRouteServices extends AccountServices {
  readonly connections: Connections;
}

/**
 * Routes for verifying an address and resetting a password by mail, compatible with FastAPI Users. Requests for a mail
 * look up the account after the response, so that neither the response nor its timing reveals whether it exists.
 */
export const recoveryRoutes = (services: RecoveryRouteServices) => {
  const { limits, connections } = services;
  const refusePasswords = refuseWithoutPasswords(services);
  return new Elysia({ prefix: "/auth", detail: { tags: ["auth"] } })
    .post(
      "/forgot-password",
      async ({ body, request }) => {
        const email = validEmailAddress(body.email);
        await limits.forgotPassword({ address: connections.addressOf(request), account: email.uniqueKey });
        services.background.run("mail a reset token", () => requestReset(services, email));
        return JsonResponse.of(null, { status: 202 });
      },
      { parse: [refusePasswords, readJson], body: emailBody, detail: authDescriptions.forgotPassword },
    )
    .post(
      "/reset-password",
      async ({ body, request }) => {
        const address = connections.addressOf(request);
        await limits.resetPassword({ address });
        await resetPassword(services, body.token, body.password, address);
        return JsonResponse.of(null);
      },
      { parse: [refusePasswords, readJson], body: resetBody, detail: authDescriptions.resetPassword },
    )
    .post(
      "/request-verify-token",
      async ({ body, request }) => {
        const email = validEmailAddress(body.email);
        await limits.requestVerify({ address: connections.addressOf(request), account: email.uniqueKey });
        services.background.run("mail a verify token", () => requestVerify(services, email));
        return JsonResponse.of(null, { status: 202 });
      },
      { parse: [readJson], body: emailBody, detail: authDescriptions.requestVerifyToken },
    )
    .post("/verify", async ({ body }) => userRead(await verify(services, body.token)), {
      parse: [readJson],
      body: tokenBody,
      detail: authDescriptions.verify,
    });
};
