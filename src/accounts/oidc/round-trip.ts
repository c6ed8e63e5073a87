import { createFairSemaphore } from "../../concurrency/fair-semaphore.ts";
import type { Database } from "../../database/database.ts";
import { ApiError } from "../../errors.ts";
import type { BaseUrl } from "../../http/base-url.ts";
import type { Connections } from "../../http/connections.ts";
import { queryOf } from "../../http/request-path.ts";
import { networkParties } from "../client.ts";
import type { RateLimits } from "../rate-limits.ts";
import type { Flow, FlowCookie } from "./flow-cookie.ts";
import { refused } from "./provider-errors.ts";
import type { OidcProvider, ProviderClaims } from "./provider.ts";

/** The services of the round trip to the provider. */
export interface RoundTripServices {
  /** Undefined: not configured. */
  readonly oidc: { readonly provider: OidcProvider; readonly flowCookie: FlowCookie } | undefined;
  readonly database: Database;
  readonly limits: RateLimits;
  readonly connections: Connections;
  readonly baseUrl: Pick<BaseUrl, "of">;
}

/** Limits on concurrent requests to the provider. Each takes seconds at most, but they must not pile up while it hangs. */
const providerLimits = { concurrency: 16, queueLimit: 64, partyLimit: 8 };

/** The path of each callback, by what it does. The provider must know both. */
const callbackPaths = {
  signIn: "/auth/oidc/callback",
  link: "/auth/associate/oidc/callback",
} as const;

/** The fragment of a view of the page. It leads to no other website, whatever it contains. */
const viewFragment = /^#\/[\w.~%?=&/-]{0,300}$/;

/** Characters of an invitation's token, which has 64. */
const maxInvitationLength = 128;

/**
 * Creates the two halves of the round trip to the provider. Both throw ApiError NOT_FOUND where no provider is configured,
 * TOO_MANY_REQUESTS, OVERLOADED, and the errors of {@link OidcProvider}.
 */
export function createRoundTrip(services: RoundTripServices) {
  const { database, limits, connections, baseUrl } = services;
  const semaphore = createFairSemaphore(providerLimits);

  const configured = () => {
    if (!services.oidc) throw new ApiError("NOT_FOUND");
    return services.oidc;
  };

  /** Runs a request to the provider within the limits of the client. */
  async function ask<Result>(request: Request, task: () => Promise<Result>): Promise<Result> {
    const address = connections.addressOf(request);
    await limits.provider({ address });
    return semaphore.run(networkParties(address), task, request.signal);
  }

  return {
    configured,

    /**
     * Begins a flow.
     * @param userId the account to which the identity will be linked; null to sign in
     * @returns the address of the provider, and the `Set-Cookie` header of the flow
     */
    async begin(request: Request, userId: string | null): Promise<{ url: string; cookie: string }> {
      const { provider, flowCookie } = configured();
      const query = queryOf(request.url);
      const returnTo = query.get("return_to") ?? "";
      const { flow, cookie } = flowCookie.begin({
        redirectUri: baseUrl.of(request) + callbackPaths[userId === null ? "signIn" : "link"],
        returnTo: viewFragment.test(returnTo) ? returnTo : "#/",
        invitation: query.get("invitation")?.slice(0, maxInvitationLength) || null,
        userId,
      });
      return { url: await ask(request, () => provider.authorizationUrl(flow)), cookie };
    },

    /**
     * Completes a flow in its callback. A flow can be completed once, on one node.
     * @param userId as for the beginning
     * @throws ApiError OAUTH_INVALID_STATE, OAUTH_ACCESS_DENIED, OAUTH_FAILED
     */
    async complete(request: Request, userId: string | null): Promise<{ flow: Flow; claims: ProviderClaims }> {
      const { provider, flowCookie } = configured();
      const parameters = queryOf(request.url);
      const flow = flowCookie.read(request.headers, parameters.get("state"));
      if (flow?.userId !== userId) throw new ApiError("OAUTH_INVALID_STATE");
      const isFirst = await database.revokedTokens.spend(
        `oidc-state:${flow.state}`,
        new Date(flow.expiresAtMs),
      );
      if (!isFirst) throw new ApiError("OAUTH_INVALID_STATE");
      const refusal = parameters.get("error");
      if (refusal !== null) throw refused(refusal);
      return { flow, claims: await ask(request, () => provider.claimsOf(parameters, flow)) };
    },

    /** Returns the provider's page for signing out; null if it has none. */
    async logoutUrl(request: Request): Promise<string | null> {
      const { provider } = configured();
      return ask(request, () => provider.logoutUrl(`${baseUrl.of(request)}/`));
    },
  };
}
