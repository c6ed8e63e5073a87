import { Elysia } from "elysia";

import { readJson } from "../http/bodies.ts";
import { JsonAnswer } from "../http/json-answer.ts";
import type { Connections } from "../http/connections.ts";
import type { Background } from "../operation/background.ts";
import { userRead } from "../users/user-read.ts";
import { described } from "./descriptions.ts";
import { validEmailAddress } from "./email-address.ts";
import type { RateLimits } from "./rate-limits.ts";
import { requestReset, requestVerify, resetPassword, verify, type RecoveryServices } from "./recovery.ts";
import { emailBody, resetBody, tokenBody } from "./schemas.ts";

export interface RecoveryRouteServices extends RecoveryServices {
  readonly limits: RateLimits;
  readonly connections: Connections;
  readonly background: Background;
}

/**
 * Verify an address and reset a password by mail. What is asked for an address is looked up after the answer, so that
 * neither the answer nor its time tells whether somebody has it.
 */
export const recoveryRoutes = (services: RecoveryRouteServices) => {
  const { limits, connections } = services;
  return new Elysia({ prefix: "/auth", detail: { tags: ["auth"] } })
    .post(
      "/forgot-password",
      async ({ body, request }) => {
        const email = validEmailAddress(body.email);
        await limits.forgotPassword({ address: connections.addressOf(request), account: email.uniqueKey });
        services.background.run("mail a reset token", () => requestReset(services, email));
        return JsonAnswer.of(null, { status: 202 });
      },
      { parse: [readJson], body: emailBody, detail: described.forgotPassword },
    )
    .post(
      "/reset-password",
      async ({ body, request }) => {
        const address = connections.addressOf(request);
        await limits.resetPassword({ address });
        await resetPassword(services, body.token, body.password, address);
        return JsonAnswer.of(null);
      },
      { parse: [readJson], body: resetBody, detail: described.resetPassword },
    )
    .post(
      "/request-verify-token",
      async ({ body, request }) => {
        const email = validEmailAddress(body.email);
        await limits.requestVerify({ address: connections.addressOf(request), account: email.uniqueKey });
        services.background.run("mail a verify token", () => requestVerify(services, email));
        return JsonAnswer.of(null, { status: 202 });
      },
      { parse: [readJson], body: emailBody, detail: described.requestVerifyToken },
    )
    .post("/verify", async ({ body }) => userRead(await verify(services, body.token)), {
      parse: [readJson],
      body: tokenBody,
      detail: described.verify,
    });
};
