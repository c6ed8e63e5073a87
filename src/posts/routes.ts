import { Elysia, t } from "elysia";

import { authPlugin, requireSuperuser, requireUser } from "../accounts/require-user.ts";
import type { AuthorEmails } from "../config/config.ts";
import type { Viewer } from "../database/users.ts";
import { ignoreBody, readJson } from "../http/bodies.ts";
import { canonicalId } from "../http/canonical-id.ts";
import { pageQuery } from "../http/page-query.ts";
import { revalidatedJson } from "../http/json-response.ts";
import { readPageRequest } from "../http/page-request.ts";
import type { RequestIds } from "../http/request-id.ts";
import { ApiError } from "../errors.ts";
import type { BaseUrl } from "../http/base-url.ts";
import { postDescriptions } from "./descriptions.ts";
import { readUploadKey } from "../uploads/idempotency.ts";
import { feedPage, readFeedRequest, type FeedRequest } from "./feed-pages.ts";
import { postRead, type PostRead, type PostView } from "./post-read.ts";
import { createPageWriter } from "./post-writer.ts";
import { publish } from "../uploads/publishing.ts";
import { deletePost } from "./deletion.ts";
import { editPost } from "./editing.ts";
import { dismissReport, reportPage, reportPost } from "./reports.ts";
import { editPostBody, postDeleted, reportBody, uploadBody, type FeedPageRead } from "./schemas.ts";
import type { PostServices } from "../uploads/upload-services.ts";
import { uploadParser, type UploadServices } from "../uploads/upload-parser.ts";

export interface PostRouteServices extends PostServices, UploadServices {
  readonly baseUrl: Pick<BaseUrl, "of">;
  readonly requestIds: RequestIds;
  readonly authorEmails: AuthorEmails;
}

/** Uploading, reading, editing, deleting and reporting posts. */
export const postRoutes = (services: PostRouteServices) => {
  const { authenticator, baseUrl, requestIds, authorEmails, database, limits } = services;
  const uploads = uploadParser(services);
  const writePage = createPageWriter();
  const viewOf = (request: Request, viewer: Viewer): PostView => ({
    viewer,
    baseUrl: baseUrl.of(request),
    authorEmails,
  });
  return new Elysia({ detail: { tags: ["posts"] } })
    .use(authPlugin(authenticator))
    .post(
      "/upload",
      async ({ body, viewer, actor, request }) => {
        const post = await publish(
          services,
          { viewer, actor },
          {
            staged: uploads.stagedFor(request),
            caption: body.caption ?? "",
            alt: body.alt ?? "",
            uploadKey: readUploadKey(request.headers),
            gone: request.signal,
          },
        );
        return postRead(post, viewOf(request, viewer));
      },
      {
        signedIn: true,
        parse: [requireUser(authenticator), uploads.parse],
        body: uploadBody,
        afterResponse: ({ request }) => uploads.discard(request),
        detail: postDescriptions.upload,
      },
    )
    .get(
      "/feed",
      async ({ query, viewer, request }) => {
        const feedRequest = readFeedRequest(query);
        const view = viewOf(request, viewer);
        const { json: posts, nextCursor } = await feedPage(database.posts, feedRequest, view, writePage);
        const json = `{"posts":${posts},"next_cursor":${JSON.stringify(nextCursor)}}`;
        const headers = linkToNextPage(view.baseUrl, query.limit !== undefined, feedRequest, nextCursor);
        // The cast gives the body's type to clients that derive their types from the server.
        return revalidatedJson(request, json, headers) as unknown as FeedPageRead;
      },
      {
        signedIn: true,
        query: t.Object({ ...pageQuery, author: t.Optional(t.String()) }),
        detail: postDescriptions.feed,
      },
    )
    .get(
      "/posts/:post_id",
      async ({ params, viewer, request }) => {
        const post = await database.posts.byId(canonicalId(params.post_id));
        if (!post) throw new ApiError("POST_NOT_FOUND");
        const json = JSON.stringify(postRead(post, viewOf(request, viewer)));
        return revalidatedJson(request, json) as unknown as PostRead;
      },
      { signedIn: true, detail: postDescriptions.read },
    )
    .patch(
      "/posts/:post_id",
      async ({ body, params, viewer, actor, request }) => {
        await limits.edit({ account: viewer.id });
        const post = await editPost(database, actor, canonicalId(params.post_id), body);
        return postRead(post, viewOf(request, viewer));
      },
      {
        signedIn: true,
        parse: [requireUser(authenticator), readJson],
        body: editPostBody,
        detail: postDescriptions.edit,
      },
    )
    .delete(
      "/posts/:post_id",
      async ({ params, viewer, actor, request }) => {
        const id = canonicalId(params.post_id);
        await deletePost(services, { viewer, actor }, id, requestIds.fieldsOf(request));
        return postDeleted;
      },
      {
        signedIn: true,
        parse: [requireUser(authenticator), ignoreBody],
        detail: postDescriptions.remove,
      },
    )
    .post(
      "/posts/:post_id/reports",
      async ({ body, params, viewer, actor, request, set }) => {
        const id = canonicalId(params.post_id);
        await limits.report({ account: viewer.id });
        await reportPost(services, { viewer, actor }, id, body.reason, requestIds.fieldsOf(request));
        set.status = 204;
      },
      {
        signedIn: true,
        parse: [requireUser(authenticator), readJson],
        body: reportBody,
        detail: postDescriptions.report,
      },
    )
    .get(
      "/reports",
      ({ query, viewer, request }) => reportPage(services, readPageRequest(query), viewOf(request, viewer)),
      { superuser: true, query: t.Object(pageQuery), detail: postDescriptions.reports },
    )
    .delete(
      "/reports/:id",
      async ({ params, viewer, actor, request, set }) => {
        await dismissReport(
          services,
          { viewer, actor },
          canonicalId(params.id),
          requestIds.fieldsOf(request),
        );
        set.status = 204;
      },
      {
        superuser: true,
        parse: [requireSuperuser(authenticator), ignoreBody],
        detail: postDescriptions.dismiss,
      },
    );
};

/** The `Link` header of a page (RFC 8288); empty for the last page. */
function linkToNextPage(
  base: string,
  hasLimit: boolean,
  { author, limit }: FeedRequest,
  nextCursor: string | null,
): Record<string, string> {
  if (nextCursor === null) return {};
  const parameters = [
    ...(author === undefined ? [] : [`author=${author}`]),
    ...(hasLimit ? [`limit=${limit}`] : []),
    `cursor=${nextCursor}`,
  ];
  return { link: `<${base}/feed?${parameters.join("&")}>; rel="next"` };
}
