import { type AnyElysia, Elysia, NotFoundError, ParseError, ValidationError } from "elysia";

import { JsonResponse } from "./http/json-response.ts";
import { createRoutePatterns, type RoutePatterns } from "./http/route-patterns.ts";
import { recoveryRoutes } from "./accounts/recovery-routes.ts";
import { identityRoutes } from "./accounts/oidc/identity-routes.ts";
import { oidcRoutes } from "./accounts/oidc/routes.ts";
import { authRoutes } from "./accounts/auth-routes.ts";
import { databaseFailure } from "./database/failures.ts";
import { docsRoutes } from "./openapi/routes.ts";
import { ApiError, ValidationProblems } from "./errors.ts";
import { errorResponse } from "./http/error-response.ts";
import { opensPage } from "./http/opens-page.ts";
import { diskFailure } from "./disk-errors.ts";
import { operationRoutes } from "./observability/routes.ts";
import { mediaRoutes } from "./delivery/routes.ts";
import { postRoutes } from "./posts/routes.ts";
import type { Services } from "./services.ts";
import { invitationRoutes } from "./accounts/invitation-routes.ts";
import { sessionRoutes } from "./accounts/session-routes.ts";
import { resumableUploadRoutes } from "./uploads/resumable/routes.ts";
import { userRoutes } from "./accounts/user-routes.ts";
import { notFoundPage } from "./web/not-found-page.ts";
import { webRoutes } from "./web/routes.ts";
import { problemsOf } from "./http/validation.ts";

/** Creates the HTTP interface from the routes of all features. Tests use it too. */
export function createApp(services: Services) {
  let patterns: RoutePatterns | undefined;
  // By default, Elysia expects hosts of at least four characters, unlike that of "http://api/feed".
  const app = new Elysia({ name: "image-sharing", handler: { standardHostname: false } })
    .onError({ as: "global" }, ({ error, path, request, set }): Response => {
      set.status = unchangedStatus;
      if (error instanceof NotFoundError) return notFound(path, request);
      if (request.signal.aborted) return errorResponse(new ApiError("CLIENT_GONE"));
      return errorResponse(apiErrorOf(error, request, services));
    })
    .mapResponse({ as: "global" }, ({ responseValue, set }) => {
      if (!isPlainObject(responseValue)) return undefined;
      const status = Number(set.status);
      set.status = unchangedStatus;
      return JsonResponse.of(responseValue, { status });
    })
    .use(webRoutes(services))
    .use(docsRoutes((): AnyElysia => app))
    .use(operationRoutes(services))
    .use(authRoutes(services))
    .use(oidcRoutes(services))
    .use(recoveryRoutes(services))
    .use(sessionRoutes(services))
    .use(identityRoutes(services))
    .use(userRoutes(services))
    .use(invitationRoutes(services))
    .use(postRoutes(services))
    .use(resumableUploadRoutes(services))
    .use(mediaRoutes(services));

  function notFound(path: string, request: Request): Response {
    patterns ??= createRoutePatterns(app.routes);
    const allow = patterns.methodsOf(path);
    if (!allow && opensPage(request)) return notFoundPage(request, services.config);
    return errorResponse(
      allow ? new ApiError("METHOD_NOT_ALLOWED", { headers: { allow } }) : new ApiError("NOT_FOUND"),
    );
  }
  return app;
}

/** With any other status in the context, Elysia replaces the response with a copy whose body is a stream. */
const unchangedStatus = 200;

const isPlainObject = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Translates an error into an API error. Logs any other error, for which the client gets a bare 500. */
function apiErrorOf(error: unknown, request: Request, { log, requestIds }: Services): unknown {
  if (error instanceof ValidationError) return new ValidationProblems(problemsOf(error));
  // Elysia wraps errors thrown by a parser.
  const cause = error instanceof ParseError ? error.cause : error;
  const thrown = databaseFailure(cause) ?? diskFailure(cause) ?? cause;
  if (thrown instanceof ApiError && thrown.options.cause)
    log.warn("request.failed", {
      ...requestIds.fieldsOf(request),
      code: thrown.code,
      cause: thrown.options.cause,
    });
  if (!(thrown instanceof ApiError || thrown instanceof ValidationProblems))
    log.error("request.failed", { ...requestIds.fieldsOf(request), error: thrown });
  return thrown;
}

/** For clients that infer their types from the server (Eden). */
export type App = ReturnType<typeof createApp>;
