import type * as openidClient from "openid-client";
import type { ClientAuth, Configuration, CustomFetch, ServerMetadata, UserInfoResponse } from "openid-client";

import type { OidcSettings } from "../../config/oidc-settings.ts";
import { ApiError } from "../../errors.ts";
import { boundedFetch } from "../../http/bounded-fetch.ts";
import { isWellFormedText } from "../../http/well-formed-text.ts";
import type { Flow } from "./flow-cookie.ts";
import { withoutSlash } from "./issuer.ts";
import { createMetadataCache } from "./metadata-cache.ts";
import { ProviderFailure, providerError, unavailable } from "./provider-errors.ts";

/** Seconds that the provider may take for a response. */
const defaultTimeoutSeconds = 10;

/** Bytes of a response of the provider. Metadata, keys and tokens have some kilobytes. */
const maxResponseBytes = 512 * 1024;

/** How far the clocks of the provider and this machine may be apart. */
const clockToleranceSeconds = 60;

/** What the provider says about a user who has just signed in there. Texts are as the provider sent them. */
export interface ProviderClaims {
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | null;
  readonly emailVerified: boolean;
  readonly name: string | null;
}

/** The OpenID Connect provider. Every method rejects with ApiError OAUTH_PROVIDER_UNAVAILABLE when it cannot be reached. */
export interface OidcProvider {
  /** Returns the address where the user signs in (OpenID Connect Core, 3.1.2.1), with PKCE, state and nonce. */
  authorizationUrl(flow: Flow): Promise<string>;
  /**
   * Exchanges the code of a callback for an ID token and checks it: signature, issuer, audience, times, nonce, PKCE.
   * @param parameters the query of the callback
   * @throws ApiError OAUTH_FAILED when the provider refuses the code or its answer fails a check
   */
  claimsOf(parameters: URLSearchParams, flow: Flow): Promise<ProviderClaims>;
  /**
   * Returns the address that signs the user out at the provider (RP-Initiated Logout); null if it has none.
   * @param returnUrl where the provider sends the browser afterwards, if it knows the address
   */
  logoutUrl(returnUrl: string): Promise<string | null>;
}

/**
 * Creates the client of the provider. It loads openid-client and reads the provider's metadata on first use, so that
 * startup neither takes longer nor needs the provider.
 * @param timeoutSeconds replaced in tests
 */
export function createOidcProvider(
  { issuer, clientId, clientSecret, scopes }: OidcSettings,
  timeoutSeconds = defaultTimeoutSeconds,
): OidcProvider {
  const isInsecure = new URL(issuer).protocol === "http:";
  const fetchWithin = boundedFetch(maxResponseBytes) as CustomFetch;

  /**
   * Sends the secret in the header unless the provider takes it in the body only. The header is what providers support
   * if they do not say (OpenID Connect Discovery, 3).
   */
  const authenticate =
    ({ ClientSecretBasic, ClientSecretPost }: typeof openidClient): ClientAuth =>
    (server, ...rest) => {
      const methods = server.token_endpoint_auth_methods_supported;
      const inBody = methods?.includes("client_secret_post") && !methods.includes("client_secret_basic");
      (inBody ? ClientSecretPost : ClientSecretBasic)(clientSecret)(server, ...rest);
    };

  const metadata = createMetadataCache(async (): Promise<ServerMetadata> => {
    const client = await import("openid-client");
    const address = new URL(`${withoutSlash(issuer)}/.well-known/openid-configuration`);
    const found = await client.discovery(address, clientId, undefined, authenticate(client), {
      timeout: timeoutSeconds,
      [client.customFetch]: fetchWithin,
      ...(isInsecure && { execute: [client.allowInsecureRequests] }),
    });
    const server = { ...found.serverMetadata() };
    // The check of OpenID Connect Discovery, 4.3, except that operators need not know whether the issuer ends with a slash.
    if (withoutSlash(server.issuer) !== withoutSlash(issuer))
      throw new ProviderFailure(`the provider's issuer is ${server.issuer.slice(0, 300)}`);
    return server;
  });

  /**
   * A new configuration for each flow, because openid-client keeps the provider's keys in it: a key that was replaced
   * would be used for minutes, and a new one refused.
   */
  async function configure(): Promise<{ client: typeof openidClient; configuration: Configuration }> {
    const client = await import("openid-client");
    const server = await metadata().catch(rejectAsUnavailable);
    const options = { [client.clockTolerance]: clockToleranceSeconds };
    const configuration = new client.Configuration(server, clientId, options, authenticate(client));
    configuration.timeout = timeoutSeconds;
    configuration[client.customFetch] = fetchWithin;
    if (isInsecure) client.allowInsecureRequests(configuration);
    client.enableNonRepudiationChecks(configuration);
    return { client, configuration };
  }

  async function authorizationUrl({ state, nonce, codeVerifier, redirectUri }: Flow): Promise<string> {
    const { client, configuration } = await configure();
    const parameters = {
      redirect_uri: redirectUri,
      scope: scopes,
      state,
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: "S256",
    };
    return client.buildAuthorizationUrl(configuration, parameters).href;
  }

  async function logoutUrl(returnUrl: string): Promise<string | null> {
    const { client, configuration } = await configure();
    if (configuration.serverMetadata().end_session_endpoint === undefined) return null;
    return client.buildEndSessionUrl(configuration, { post_logout_redirect_uri: returnUrl }).href;
  }

  return {
    // Metadata may lack the address, or have one without TLS.
    authorizationUrl: (flow) => authorizationUrl(flow).catch(rejectAsUnavailable),
    logoutUrl: (returnUrl) => logoutUrl(returnUrl).catch(rejectAsUnavailable),

    async claimsOf(parameters, { state, nonce, codeVerifier, redirectUri }) {
      const { client, configuration } = await configure();
      try {
        const tokens = await client.authorizationCodeGrant(
          configuration,
          new URL(`${redirectUri}?${parameters}`),
          { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier },
        );
        const idToken = tokens.claims()!;
        requireValidSubject(idToken.sub);
        const { userinfo_endpoint } = configuration.serverMetadata();
        // Many providers have the address only there.
        const isElsewhere = idToken["email"] === undefined && userinfo_endpoint !== undefined;
        const userInfo: Partial<UserInfoResponse> = isElsewhere
          ? await client.fetchUserInfo(configuration, tokens.access_token, idToken.sub)
          : {};
        const { email, email_verified } = isElsewhere ? userInfo : idToken;
        return {
          issuer: idToken.iss,
          subject: idToken.sub,
          email: textOf(email),
          emailVerified: email_verified === true,
          name: textOf(idToken["name"] ?? userInfo.name),
        };
      } catch (error) {
        throw error instanceof ApiError ? error : providerError(error);
      }
    },
  };
}

/** @throws ApiError OAUTH_PROVIDER_UNAVAILABLE */
function rejectAsUnavailable(error: unknown): never {
  throw error instanceof ApiError ? error : unavailable(error);
}

/** Characters of a subject (OpenID Connect Core, 2). */
const maxSubjectLength = 255;

/** @throws ApiError OAUTH_FAILED for a subject that the specification or the database does not allow */
function requireValidSubject(subject: string): void {
  if (subject === "" || subject.length > maxSubjectLength || !isWellFormedText(subject))
    throw new ApiError("OAUTH_FAILED");
}

const textOf = (claim: unknown): string | null => (typeof claim === "string" && claim !== "" ? claim : null);
