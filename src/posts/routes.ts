import { Elysia, t } from "elysia";

import { authPlugin, requireUser } from "../accounts/require-user.ts";
import { ignoreBody } from "../http/bodies.ts";
import { canonicalId } from "../http/canonical-id.ts";
import { revalidatedJson } from "../http/json-answer.ts";
import { ApiError } from "../errors.ts";
import type { BaseUrl } from "../http/base-url.ts";
import { described } from "./descriptions.ts";
import { readFeedRequest } from "./feed.ts";
import { readUploadKey } from "../uploads/idempotency.ts";
import { feedPage } from "./feed-pages.ts";
import { postRead, type PostRead } from "./post-read.ts";
import { publish } from "../uploads/publishing.ts";
import { deletePost } from "./deletion.ts";
import { uploadBody, type FeedPageRead } from "./schemas.ts";
import type { PostServices } from "../uploads/upload-services.ts";
import { uploadParser, type UploadServices } from "../uploads/upload-parser.ts";

export interface PostRouteServices extends PostServices, UploadServices {
  readonly baseUrl: Pick<BaseUrl, "of">;
}

/** Sharing, looking and deleting. */
export const postRoutes = (services: PostRouteServices) => {
  const { authenticator, baseUrl } = services;
  const uploads = uploadParser(services);
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
            uploadKey: readUploadKey(request.headers),
            gone: request.signal,
          },
        );
        return postRead(post, viewer, baseUrl.of(request));
      },
      {
        signedIn: true,
        parse: [requireUser(authenticator), uploads.parse],
        body: uploadBody,
        afterResponse: ({ request }) => uploads.discard(request),
        detail: described.upload,
      },
    )
    .get(
      "/feed",
      async ({ query, viewer, request }) => {
        const asked = readFeedRequest(query);
        const base = baseUrl.of(request);
        const { json: posts, nextCursor } = await feedPage(services.database.posts, asked, viewer, base);
        const headers: Record<string, string> = {};
        if (nextCursor !== null) {
          const limit = query.limit === undefined ? "" : `limit=${asked.limit}&`;
          headers["link"] = `<${base}/feed?${limit}cursor=${nextCursor}>; rel="next"`;
        }
        const json = `{"posts":${posts},"next_cursor":${JSON.stringify(nextCursor)}}`;
        // Typed as what it holds, for clients that take their types from here.
        return revalidatedJson(request, json, headers) as unknown as FeedPageRead;
      },
      {
        signedIn: true,
        query: t.Object({ limit: t.Optional(t.String()), cursor: t.Optional(t.String()) }),
        detail: described.feed,
      },
    )
    .get(
      "/posts/:post_id",
      async ({ params, viewer, request }) => {
        const post = await services.database.posts.byId(canonicalId(params.post_id));
        if (!post) throw new ApiError("POST_NOT_FOUND");
        const json = JSON.stringify(postRead(post, viewer, baseUrl.of(request)));
        return revalidatedJson(request, json) as unknown as PostRead;
      },
      { signedIn: true, detail: described.read },
    )
    .delete(
      "/posts/:post_id",
      async ({ params, actor }) => {
        await deletePost(services, actor, canonicalId(params.post_id));
        return { success: true, message: "Post deleted successfully" };
      },
      {
        signedIn: true,
        parse: [requireUser(authenticator), ignoreBody],
        detail: described.remove,
      },
    );
};
