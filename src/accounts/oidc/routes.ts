import { Elysia } from "elysia";

import type { Actor } from "../../database/actors.ts";
import { ApiError } from "../../errors.ts";
import { readJson } from "../../http/bodies.ts";
import { JsonResponse } from "../../http/json-response.ts";
import { opensPage } from "../../http/opens-page.ts";
import type { RequestIds } from "../../http/request-id.ts";
import type { Log } from "../../observability/log.ts";
import type { RegistrationServices } from "../accounts.ts";
import type { Authenticator } from "../authenticator.ts";
import { mailIdentityNotice } from "../change-notice.ts";
import { confirmPassword, hasRecentSession, type ConfirmationServices } from "../current-password.ts";
import type { LoginLog } from "../login-log.ts";
import { authPlugin, requireUser } from "../require-user.ts";
import type { SessionCookie } from "../session-cookie.ts";
import type { Sessions } from "../sessions.ts";
import { userRead } from "../user-read.ts";
import { accountOf, identityOf } from "./account.ts";
import { oidcDescriptions } from "./descriptions.ts";
import { createRoundTrip, type RoundTripServices } from "./round-trip.ts";
import { confirmationBody } from "./schemas.ts";

export interface OidcRouteServices extends RegistrationServices, ConfirmationServices {
  readonly oidc: RoundTripServices["oidc"];
  readonly connections: RoundTripServices["connections"];
  readonly baseUrl: RoundTripServices["baseUrl"] & RegistrationServices["baseUrl"];
  readonly authenticator: Authenticator;
  readonly loginLog: LoginLog;
  readonly sessions: Sessions;
  readonly sessionCookie: SessionCookie;
  readonly log: Log;
  readonly requestIds: RequestIds;
}

/** The answer of a step: where a browser goes, and what other clients get as JSON. */
interface Answer {
  readonly location: string;
  readonly json: unknown;
  readonly cookies: readonly string[];
}

/**
 * Sign-in with an OpenID Connect provider, with the paths, the cookie and the codes of FastAPI Users' OAuth routes. They
 * are 404 where no provider is configured.
 */
export const oidcRoutes = (services: OidcRouteServices) => {
  const { authenticator, database, loginLog, sessions, sessionCookie, connections, log, requestIds } =
    services;
  const roundTrip = createRoundTrip(services);
  const pageAt = (request: Request, fragment: string) => `${services.baseUrl.of(request)}/${fragment}`;

  /**
   * Responds to a browser that opens the address with a redirect, and to other clients with JSON. If the step
   * fails, a browser goes to a view of the page, with the error's code.
   */
  async function respond(request: Request, view: string, step: () => Promise<Answer>): Promise<Response> {
    const { flowCookie } = roundTrip.configured();
    if (!opensPage(request)) {
      const { json, cookies } = await step();
      return withCookies(JsonResponse.of(json), cookies);
    }
    try {
      const { location, cookies } = await step();
      return redirect(location, cookies);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { code, options } = error;
      if (options.cause)
        log.warn("request.failed", { ...requestIds.fieldsOf(request), code, cause: options.cause });
      return redirect(pageAt(request, `${view}?error=${code}`), [flowCookie.clear]);
    }
  }

  async function signIn(request: Request): Promise<Answer> {
    const address = connections.addressOf(request);
    const { token, flow } = await loginLog.record(request, { address, account: "" }, async () => {
      const { flow, claims } = await roundTrip.complete(request, null);
      const user = await accountOf(services, claims, flow.invitation, address);
      const token = await sessions.begin(user, request.headers.get("user-agent"));
      return { userId: user.id, token, flow };
    });
    const { clear } = roundTrip.configured().flowCookie;
    const isPage = opensPage(request);
    return {
      location: pageAt(request, flow.returnTo),
      json: { access_token: token, token_type: "bearer" },
      cookies: isPage ? [clear, sessionCookie.store(token)] : [clear],
    };
  }

  /**
   * Begins to link an identity. The answer is JSON for browsers too: another website could open a redirect in the user's
   * browser, and so link an identity of its own.
   */
  async function beginLink(request: Request, actor: Actor, password: string | undefined): Promise<Response> {
    roundTrip.configured();
    if (actor.credential.kind === "session" && !hasRecentSession(actor)) {
      const user = await database.users.byId(actor.userId);
      if (!user) throw new ApiError("UNAUTHORIZED");
      await confirmPassword(services, request, actor, user, password);
    }
    const { url, cookie } = await roundTrip.begin(request, actor.userId);
    return withCookies(JsonResponse.of({ authorization_url: url }), [cookie]);
  }

  async function link(request: Request): Promise<Answer> {
    const { actor, viewer } = await authenticator.require(request);
    const { claims } = await roundTrip.complete(request, viewer.id);
    const outcome = await database.identities.link(actor, identityOf(claims), new Date());
    if (outcome === "taken") throw new ApiError("OAUTH_USER_ALREADY_EXISTS");
    const user = await database.users.byId(viewer.id);
    if (outcome === "linked" && user) {
      mailIdentityNotice(services, user, claims.issuer);
      log.info("identity.linked", { ...requestIds.fieldsOf(request), user: user.id });
    }
    return {
      location: pageAt(request, "#/account"),
      json: userRead(viewer),
      cookies: [roundTrip.configured().flowCookie.clear],
    };
  }

  return (
    new Elysia({ prefix: "/auth", detail: { tags: ["auth"] } })
      .use(authPlugin(authenticator))
      .get(
        "/oidc/authorize",
        ({ request }) =>
          respond(request, "#/sign-in", async () => {
            const { url, cookie } = await roundTrip.begin(request, null);
            return { location: url, json: { authorization_url: url }, cookies: [cookie] };
          }),
        { detail: oidcDescriptions.authorize },
      )
      .get("/oidc/callback", ({ request }) => respond(request, "#/sign-in", () => signIn(request)), {
        detail: oidcDescriptions.callback,
      })
      .get(
        "/oidc/logout",
        async ({ request }) => JsonResponse.of({ logout_url: await roundTrip.logoutUrl(request) }),
        { detail: oidcDescriptions.logout },
      )
      .get("/associate/oidc/authorize", ({ request, actor }) => beginLink(request, actor, undefined), {
        signedIn: true,
        detail: oidcDescriptions.associate,
      })
      .post(
        "/associate/oidc/authorize",
        ({ request, actor, body }) => beginLink(request, actor, body.password),
        {
          signedIn: true,
          parse: [requireUser(authenticator), readJson],
          body: confirmationBody,
          detail: oidcDescriptions.associateConfirmed,
        },
      )
      // Without the guard of other routes, because a browser whose session has ended goes back to the page.
      .get(
        "/associate/oidc/callback",
        async ({ request }) => {
          if (!opensPage(request)) await authenticator.require(request);
          return respond(request, "#/account", () => link(request));
        },
        { detail: oidcDescriptions.associateCallback },
      )
  );
};

function withCookies(response: Response, cookies: readonly string[]): Response {
  for (const cookie of cookies) response.headers.append("set-cookie", cookie);
  return response;
}

/** Responds with a redirect that browsers follow with a GET (RFC 9110, 15.4.4). */
const redirect = (location: string, cookies: readonly string[]): Response =>
  withCookies(new Response(null, { status: 303, headers: { location } }), cookies);
