import { Elysia, t } from "elysia";

import { ApiError } from "../errors.ts";
import type { Actor } from "../database/actors.ts";
import type { BaseUrl } from "../http/base-url.ts";
import { ignoreBody, readJson } from "../http/bodies.ts";
import { canonicalId } from "../http/canonical-id.ts";
import { pageQuery } from "../http/page-query.ts";
import { pageParameters, readPageRequest, toPage } from "../http/page-request.ts";
import { invitationLimits } from "../limits.ts";
import type { RequestIds } from "../http/request-id.ts";
import type { Log } from "../observability/log.ts";
import { describe } from "../openapi/describe.ts";
import { absentOrNull } from "../openapi/schemas.ts";
import { emailField, integerField } from "./auth-schemas.ts";
import type { Authenticator } from "./authenticator.ts";
import { validEmailAddress } from "./email-address.ts";
import { invitationPageSchema, invitationRead, invitationSchema } from "./invitation-read.ts";
import { invite, linkOf, type InvitationServices } from "./invitations.ts";
import { authPlugin, requireSuperuser } from "./require-user.ts";

const { maxDays, defaultDays, maxUses, defaultUses } = invitationLimits;

const invitationBody = t.Object(
  {
    email: absentOrNull(emailField),
    expires_in_days: absentOrNull(
      integerField({ min: 1, max: maxDays, default: defaultDays, description: "Days that it is good for." }),
    ),
    uses: absentOrNull(
      integerField({
        min: 1,
        max: maxUses,
        default: defaultUses,
        description: "Accounts that it is good for.",
      }),
    ),
  },
  { examples: [{ email: "ada@example.com" }] },
);

const descriptions = {
  create: describe({
    id: "createInvitation",
    summary: "Invite somebody",
    description:
      "Creates an invitation to register. With an `email` it is mailed to that address, and good for that address only. For superusers.",
    answer: { status: 201, meaning: "The invitation.", body: invitationSchema },
    errors: ["BODY_TOO_LARGE"],
    validates: true,
    audience: "superusers",
  }),
  list: describe({
    id: "listInvitations",
    summary: "List invitations",
    description: "Returns the invitations that have not expired, newest first, in pages. For superusers.",
    query: pageParameters,
    answer: { status: 200, meaning: "A page of invitations.", body: invitationPageSchema },
    validates: true,
    audience: "superusers",
  }),
  remove: describe({
    id: "deleteInvitation",
    summary: "Withdraw an invitation",
    description:
      "Deletes an invitation, so that its link no longer works. Accounts that used it stay. For superusers.",
    answer: { status: 204, meaning: "The invitation is deleted.", body: null },
    errors: ["NOT_FOUND"],
    audience: "superusers",
    path: { id: { description: "The invitation's id.", schema: { type: "string", format: "uuid" } } },
  }),
};

export interface InvitationRouteServices extends InvitationServices {
  readonly authenticator: Authenticator;
  readonly baseUrl: BaseUrl;
  readonly log: Log;
  readonly requestIds: RequestIds;
}

/** Invitations to register, for superusers. */
export const invitationRoutes = (services: InvitationRouteServices) => {
  const { authenticator, database, invitationTokens, baseUrl, log, requestIds } = services;
  const audit = (event: string, request: Request, actor: Actor, invitation: string) =>
    log.info(event, { ...requestIds.fieldsOf(request), actor: actor.userId, invitation });

  return new Elysia({ prefix: "/invitations", detail: { tags: ["users"] } })
    .use(authPlugin(authenticator))
    .post(
      "",
      async ({ body, actor, request, set }) => {
        const invitation = await invite(services, actor, {
          email: body.email === undefined ? undefined : validEmailAddress(body.email),
          days: body.expires_in_days,
          uses: body.uses,
        });
        audit("invitation.created", request, actor, invitation.id);
        set.status = 201;
        return invitationRead(invitation, linkOf(invitationTokens, invitation, baseUrl.of(request)));
      },
      {
        superuser: true,
        parse: [requireSuperuser(authenticator), readInvitation],
        body: invitationBody,
        detail: descriptions.create,
      },
    )
    .get(
      "",
      async ({ query, request }) => {
        const { limit, after } = readPageRequest(query);
        // One extra row shows whether there is a next page.
        const found = await database.invitations.page(limit + 1, after, new Date());
        const { shown, nextCursor } = toPage(found, limit);
        const base = baseUrl.of(request);
        return {
          invitations: shown.map((one) => invitationRead(one, linkOf(invitationTokens, one, base))),
          next_cursor: nextCursor,
        };
      },
      {
        superuser: true,
        query: t.Object(pageQuery),
        detail: descriptions.list,
      },
    )
    .delete(
      "/:id",
      async ({ params, actor, request, set }) => {
        const id = canonicalId(params.id);
        if (!(await database.invitations.remove(actor, id))) throw new ApiError("NOT_FOUND");
        audit("invitation.deleted", request, actor, id);
        set.status = 204;
      },
      {
        superuser: true,
        parse: [requireSuperuser(authenticator), ignoreBody],
        detail: descriptions.remove,
      },
    );
};

/** Reads a JSON body. A field of null has its default, as if it was left out. */
async function readInvitation(context: { request: Request }): Promise<Record<string, unknown>> {
  const body = await readJson(context);
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}
