import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { exportJWK, generateKeyPair, SignJWT, decodeJwt, type JWTPayload } from "jose";

/** The part of Koa's context that the tests use. */
interface Context {
  path: string;
  body: unknown;
  req: unknown;
  res: unknown;
  status: number;
  type: string;
}

/** What the provider says about a user. */
export interface ProviderUser {
  readonly sub: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly name?: string;
}

const clientId = "image-sharing";
const clientSecret = "a secret that no log may hold: %+/=";

/** A key that signs ID tokens, and its public part. */
async function createKey(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair("RS256");
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: "RS256", use: "sig" } };
}

/**
 * The OpenID Connect provider `oidc-provider` on this machine. Users sign in there without a form, as `user`. ID tokens can
 * be changed before they are signed, and the key can be replaced.
 */
export class TestProvider {
  /** Who signs in next. */
  user: ProviderUser = { sub: "ada" };
  /** Changes the claims of the next ID tokens. */
  changeClaims: (claims: JWTPayload) => JWTPayload = (claims) => claims;
  /** Answers requests to these paths in place of the provider. */
  readonly replies = new Map<string, () => Response | Promise<Response>>();
  /** The paths of all requests. */
  readonly requests: string[] = [];

  private constructor(
    readonly issuer: string,
    private readonly server: Server,
    private key: Awaited<ReturnType<typeof createKey>>,
  ) {}

  /** @param redirectUris the callbacks of the services that use the provider */
  static async start(redirectUris: string[]): Promise<TestProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const started = new TestProvider(issuer, server, await createKey("first"));
    const { warn, info } = console;
    // It warns that it was made for Node, and of settings that only tests may have.
    Object.assign(console, { warn() {}, info() {} });
    // @ts-expect-error: the package has no types
    const { default: Provider } = await import("oidc-provider");
    const provider = new Provider(issuer, {
      clients: [
        {
          client_id: clientId,
          client_secret: clientSecret,
          redirect_uris: redirectUris,
          post_logout_redirect_uris: redirectUris.map((uri) => new URL("/", uri).href),
        },
      ],
      claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
      ttl: { Interaction: 600, Grant: 600, Session: 600, AccessToken: 600, IdToken: 600 },
      cookies: { keys: ["a key of the provider"] },
      features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
      findAccount: (_: unknown, sub: string) => ({
        accountId: sub,
        claims: () => ({ ...started.user, sub }),
      }),
      async loadExistingGrant(ctx: {
        oidc: { client: { clientId: string }; session: { accountId: string } };
      }) {
        const { client, session } = ctx.oidc;
        const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
        grant.addOIDCScope("openid email profile");
        await grant.save();
        return grant;
      },
      interactions: { url: () => "/sign-in" },
    });
    provider.use((ctx: Context, next: () => Promise<void>) => started.#handle(provider, ctx, next));
    Object.assign(console, { warn, info });
    server.on("request", provider.callback());
    return started;
  }

  /** The settings of a service that uses the provider. */
  get settings(): Record<string, string> {
    return { OIDC_ISSUER: this.issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret };
  }

  async #handle(
    provider: { interactionFinished(...values: unknown[]): Promise<void> },
    ctx: Context,
    next: () => Promise<void>,
  ): Promise<void> {
    this.requests.push(ctx.path);
    const reply = await this.replies.get(ctx.path)?.();
    if (reply) {
      ctx.status = reply.status;
      ctx.body = await reply.text();
      ctx.type = reply.headers.get("content-type") ?? "application/json";
      return;
    }
    if (ctx.path === "/sign-in")
      return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: this.user.sub } });
    await next();
    if (ctx.path === "/jwks") ctx.body = { keys: [this.key.jwk] };
    if (ctx.path === "/token") ctx.body = await this.#signAgain(ctx.body as { id_token?: string });
  }

  /** Replaces the ID token of a response by one with changed claims and the current key. */
  async #signAgain(tokens: { id_token?: string }): Promise<object> {
    if (tokens.id_token === undefined) return tokens;
    const claims = this.changeClaims(decodeJwt(tokens.id_token));
    const { kid, privateKey } = this.key;
    const signed = new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid });
    return { ...tokens, id_token: await signed.sign(privateKey) };
  }

  /** Replaces the key that signs ID tokens; the former one is withdrawn. */
  async rotateKey(): Promise<void> {
    this.key = await createKey(crypto.randomUUID());
  }

  /** Behaves as at the start again. */
  reset(): void {
    this.user = { sub: "ada" };
    this.changeClaims = (claims) => claims;
    this.replies.clear();
    this.requests.length = 0;
  }

  /**
   * Signs in at the provider as a browser without any cookies does.
   * @param address from `authorize`
   * @returns the address of the callback to which the provider sends the browser
   */
  async signIn(address: string): Promise<string> {
    const cookies = new Map<string, string>();
    let url = new URL(address);
    for (let steps = 0; url.origin === this.issuer; steps++) {
      if (steps === 10) throw new Error(`the provider sends the browser in circles: ${url}`);
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const response = await fetch(url, { redirect: "manual", headers: { cookie, accept: "text/html" } });
      for (const header of response.headers.getSetCookie()) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
        cookies.set(name, value);
      }
      const location = response.headers.get("location");
      if (location === null) throw new Error(`${response.status} at ${url}: ${await response.text()}`);
      url = new URL(location, url);
    }
    return url.href;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
