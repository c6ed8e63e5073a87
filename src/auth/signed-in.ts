import { Elysia } from "elysia";

import type { Viewers } from "./viewers.ts";

/** As much of Elysia's context as a guard needs. */
interface Context {
  request: Request;
}

/**
 * The one auth plugin: `signedIn: true` or `superuser: true` on a route lets only those in and hands out `viewer`
 * and `actor`.
 *
 * Elysia parses and validates before `resolve` runs, so the check sits in `transform`, which makes 401 come before
 * 422. A route with a body takes {@link refuseStrangers} as its first parser too: 401 before the body is read.
 */
export const signedInPlugin = (viewers: Viewers) =>
  new Elysia({ name: "signed-in" }).macro({
    signedIn: {
      transform: async ({ request }: Context) => void (await viewers.require(request)),
      resolve: ({ request }: Context) => viewers.of(request),
    },
    superuser: {
      transform: async ({ request }: Context) => void (await viewers.requireSuperuser(request)),
      resolve: ({ request }: Context) => viewers.of(request),
    },
  });

/** A parser that reads nothing and lets nobody past who is not signed in. */
export const refuseStrangers =
  (viewers: Viewers) =>
  async ({ request }: Context): Promise<undefined> =>
    void (await viewers.require(request));

/** The same for routes of superusers. */
export const refuseAllButSuperusers =
  (viewers: Viewers) =>
  async ({ request }: Context): Promise<undefined> =>
    void (await viewers.requireSuperuser(request));
