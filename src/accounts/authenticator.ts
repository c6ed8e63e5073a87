import type { Actor } from "../database/actors.ts";
import type { Database } from "../database/database.ts";
import type { Viewer } from "../database/users.ts";
import { ApiError } from "../errors.ts";
import type { Tokens } from "./tokens.ts";

/** The signed-in user of a request, and the actor that the database checks again when a write commits. */
export type SignedIn = {
  readonly viewer: Viewer;
  readonly actor: Actor;
};

/**
 * Authenticates requests. The user is looked up once per request, however many hooks ask.
 * @param requireVerified refuse unverified users with a 403; they cannot log in either
 */
export function createAuthenticator(database: Database, tokens: Tokens, requireVerified: boolean) {
  const known = new WeakMap<Request, SignedIn>();

  async function identify(request: Request): Promise<SignedIn> {
    const bearer = bearerOf(request.headers.get("authorization"));
    const token = bearer === undefined ? undefined : await tokens.readAccess(bearer);
    const viewer = token && (await database.users.viewer(token.userId, token.tokenVersion, token.tokenId));
    if (!viewer) throw new ApiError("UNAUTHORIZED");
    if (requireVerified && !viewer.isVerified) throw new ApiError("FORBIDDEN");
    const { userId, tokenId, tokenVersion, expiresAt: tokenExpiresAt } = token;
    const conditions = { mustBeVerified: requireVerified, mustBeSuperuser: false };
    return { viewer, actor: { userId, tokenId, tokenVersion, tokenExpiresAt, ...conditions } };
  }

  return {
    /** @throws ApiError UNAUTHORIZED without a valid token of an active user, FORBIDDEN if they must verify first */
    async require(request: Request): Promise<SignedIn> {
      let signedIn = known.get(request);
      if (!signedIn) {
        signedIn = await identify(request);
        known.set(request, signedIn);
      }
      return signedIn;
    },

    /** As `require`, and throws FORBIDDEN unless the user is a superuser. */
    async requireSuperuser(request: Request): Promise<SignedIn> {
      const { viewer, actor } = await this.require(request);
      if (!viewer.isSuperuser) throw new ApiError("FORBIDDEN");
      const asSuperuser = { viewer, actor: { ...actor, mustBeSuperuser: true } };
      known.set(request, asSuperuser);
      return asSuperuser;
    },

    /** The user that an earlier `require` found. @throws ApiError UNAUTHORIZED without one */
    of(request: Request): SignedIn {
      const signedIn = known.get(request);
      if (!signedIn) throw new ApiError("UNAUTHORIZED");
      return signedIn;
    },

    /** The id of the user that an earlier `require` found, for the log. */
    idOf: (request: Request): string | undefined => known.get(request)?.viewer.id,
  };
}

export type Authenticator = ReturnType<typeof createAuthenticator>;

/** RFC 6750: `Bearer`, in any case, then the token. */
const bearerOf = (header: string | null): string | undefined =>
  header?.slice(0, 7).toLowerCase() === "bearer " ? header.slice(7).trim() : undefined;
