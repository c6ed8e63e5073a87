import type { Actor } from "../database/actors.ts";
import type { Database } from "../database/database.ts";
import type { Viewer } from "../database/users.ts";
import { ApiError } from "../errors.ts";
import type { RequestOrigin } from "../http/request-origin.ts";
import type { SessionCookie } from "./session-cookie.ts";
import { isSessionToken, type Sessions } from "./sessions.ts";
import type { Tokens } from "./tokens.ts";

/** The signed-in user of a request, and the actor that the database checks again when a write commits. */
export type SignedIn = {
  readonly viewer: Viewer;
  readonly actor: Actor;
};

/** The account and credential of a request, before the conditions of its route. */
type Identity = {
  readonly viewer: Viewer;
  readonly credential: Actor["credential"];
  readonly tokenVersion: number;
};

/** The services that authentication needs. */
export interface AuthenticatorServices {
  readonly database: Pick<Database, "users">;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly sessionCookie: SessionCookie;
  readonly requestOrigin: (request: Request) => RequestOrigin;
  /** Refuse unverified users with a 403; they cannot log in either. */
  readonly requireVerifiedEmail: boolean;
}

/**
 * Authenticates requests by an access token or a session token. The `Authorization` header takes either. If it is present,
 * the session cookie is ignored. The result is kept for the request, so that several hooks share one look-up.
 */
export function createAuthenticator(services: AuthenticatorServices) {
  const { database, tokens, sessions, sessionCookie, requestOrigin, requireVerifiedEmail } = services;
  const authenticated = new WeakMap<Request, SignedIn>();
  const renewedCookies = new WeakMap<Request, string>();

  async function byAccessToken(text: string): Promise<Identity | undefined> {
    const token = await tokens.readAccess(text);
    const viewer = token && (await database.users.viewer(token.userId, token.tokenVersion, token.tokenId));
    if (!viewer) return undefined;
    const { tokenId: id, tokenVersion, expiresAt } = token;
    return { viewer, tokenVersion, credential: { kind: "token", id, expiresAt } };
  }

  async function bySession(token: string): Promise<(Identity & { isExtended: boolean }) | undefined> {
    const found = await sessions.find(token);
    if (!found) return undefined;
    const { viewer, isExtended } = found;
    const { id, createdAt, tokenVersion } = found.session;
    return { viewer, tokenVersion, credential: { kind: "session", id, createdAt }, isExtended };
  }

  /** @throws ApiError CROSS_ORIGIN_REQUEST when the request may have been made by another website */
  async function byCookie(request: Request): Promise<Identity | undefined> {
    const token = sessionCookie.read(request.headers);
    const identity = token === undefined ? undefined : await bySession(token);
    if (!identity) return undefined;
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (!isRead && requestOrigin(request) !== "trusted") throw new ApiError("CROSS_ORIGIN_REQUEST");
    // Renews the cookie on reads only: during a write, such as a long upload, the browser may receive another cookie.
    if (isRead && identity.isExtended) renewedCookies.set(request, sessionCookie.store(token!));
    return identity;
  }

  async function identify(request: Request, mustBeVerified: boolean): Promise<SignedIn> {
    const header = request.headers.get("authorization");
    const bearer = bearerOf(header);
    let identity: Identity | undefined;
    if (bearer !== undefined)
      identity = await (isSessionToken(bearer) ? bySession(bearer) : byAccessToken(bearer));
    else if (header === null) identity = await byCookie(request);
    if (!identity) throw new ApiError("UNAUTHORIZED");
    const { viewer, credential, tokenVersion } = identity;
    if (mustBeVerified && !viewer.isVerified) throw new ApiError("FORBIDDEN");
    const conditions = { mustBeVerified, mustBeSuperuser: false };
    return { viewer, actor: { userId: viewer.id, credential, tokenVersion, ...conditions } };
  }

  async function admit(request: Request, mustBeVerified: boolean): Promise<SignedIn> {
    let signedIn = authenticated.get(request);
    if (!signedIn) {
      signedIn = await identify(request, mustBeVerified);
      authenticated.set(request, signedIn);
    }
    return signedIn;
  }

  return {
    /**
     * @throws ApiError UNAUTHORIZED without a valid credential of an active user; CROSS_ORIGIN_REQUEST for a write with
     * the cookie that another website may have made; FORBIDDEN if the user must verify the address first
     */
    require: (request: Request): Promise<SignedIn> => admit(request, requireVerifiedEmail),

    /** As `require`, but a user who must verify the address first is admitted too. */
    requireUnverified: (request: Request): Promise<SignedIn> => admit(request, false),

    /** As `require`, and throws FORBIDDEN unless the user is a superuser. */
    async requireSuperuser(request: Request): Promise<SignedIn> {
      const { viewer, actor } = await this.require(request);
      if (!viewer.isSuperuser) throw new ApiError("FORBIDDEN");
      const asSuperuser = { viewer, actor: { ...actor, mustBeSuperuser: true } };
      authenticated.set(request, asSuperuser);
      return asSuperuser;
    },

    /** The user that an earlier `require` found. @throws ApiError UNAUTHORIZED without one */
    signedInUser(request: Request): SignedIn {
      const signedIn = authenticated.get(request);
      if (!signedIn) throw new ApiError("UNAUTHORIZED");
      return signedIn;
    },

    /** The id of the user that an earlier `require` found, for the log. */
    userIdOf: (request: Request): string | undefined => authenticated.get(request)?.viewer.id,

    /** The `Set-Cookie` header that extends the cookie with its session; undefined if the request did not extend it. */
    renewedCookie: (request: Request): string | undefined => renewedCookies.get(request),
  };
}

export type Authenticator = ReturnType<typeof createAuthenticator>;

/** RFC 6750: `Bearer`, in any case, then the token. */
const bearerOf = (header: string | null): string | undefined =>
  header?.slice(0, 7).toLowerCase() === "bearer " ? header.slice(7).trim() : undefined;
