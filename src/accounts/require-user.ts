import { Elysia } from "elysia";

import type { Authenticator } from "./authenticator.ts";

/** The part of Elysia's context that a guard needs. */
interface Context {
  request: Request;
}

/**
 * Adds macros to routes: `signedIn: true` requires a signed-in user, `superuser: true` a signed-in superuser, and
 * `mayBeUnverified: true` a signed-in user who may have yet to verify the address. All pass `viewer` and `actor` to the
 * handler.
 *
 * Elysia parses and validates before `resolve` runs, so the check runs in `transform`, where 401 comes before 422. A
 * route with a body also needs {@link requireUser} or {@link requireSuperuser} as its first parser, so that 401 comes
 * before the body is read.
 */
export const authPlugin = (authenticator: Authenticator) =>
  new Elysia({ name: "signed-in" }).macro({
    signedIn: {
      transform: async ({ request }: Context) => void (await authenticator.require(request)),
      resolve: ({ request }: Context) => authenticator.signedInUser(request),
    },
    mayBeUnverified: {
      transform: async ({ request }: Context) => void (await authenticator.requireUnverified(request)),
      resolve: ({ request }: Context) => authenticator.signedInUser(request),
    },
    superuser: {
      transform: async ({ request }: Context) => void (await authenticator.requireSuperuser(request)),
      resolve: ({ request }: Context) => authenticator.signedInUser(request),
    },
  });

/** Creates a parser that reads nothing and rejects requests without a signed-in user. */
export const requireUser =
  (authenticator: Authenticator) =>
  async ({ request }: Context): Promise<undefined> =>
    void (await authenticator.require(request));

/** As {@link requireUser}, but admits users who must verify the address first. */
export const requireUnverifiedUser =
  (authenticator: Authenticator) =>
  async ({ request }: Context): Promise<undefined> =>
    void (await authenticator.requireUnverified(request));

/** Creates a parser that reads nothing and rejects requests without a signed-in superuser. */
export const requireSuperuser =
  (authenticator: Authenticator) =>
  async ({ request }: Context): Promise<undefined> =>
    void (await authenticator.requireSuperuser(request));
