import { Elysia } from "elysia";

import type { SignedIn } from "../../accounts/authenticator.ts";
import { authPlugin, requireUser } from "../../accounts/require-user.ts";
import type { ResumableUpload } from "../../database/resumable-uploads.ts";
import type { BaseUrl } from "../../http/base-url.ts";
import { ignoreBody } from "../../http/bodies.ts";
import { canonicalId } from "../../http/canonical-id.ts";
import type { RequestIds } from "../../http/request-id.ts";
import { checksumAlgorithms } from "./checksum.ts";
import { uploadDescriptions } from "./descriptions.ts";
import { forward } from "./forwarding.ts";
import { hasUploadBody, requireUploadBody, requireVersion, tusExtensions, tusVersion } from "./protocol.ts";
import type { ResumableServices } from "./resumable-services.ts";
import { keepThumbnail } from "./thumbnail.ts";
import {
  beginUpload,
  continueUpload,
  createUpload,
  maxUploadBytes,
  requireUpload,
  settledUpload,
  terminateUpload,
  type UploadState,
} from "./uploads.ts";

export interface ResumableRouteServices extends ResumableServices {
  readonly baseUrl: Pick<BaseUrl, "of">;
  readonly requestIds: RequestIds;
}

/** The part of Elysia's context that a route of one upload needs. */
interface Context extends SignedIn {
  readonly params: { readonly id: string };
  readonly request: Request;
}

/** Uploads in several requests: tus 1.0.0. */
export const resumableUploadRoutes = (services: ResumableRouteServices) => {
  const { authenticator, baseUrl, requestIds, uploadFolder } = services;
  // The handlers read the body themselves.
  const parse = [requireUser(authenticator), ignoreBody];

  /** Response headers with the state of an upload. */
  function stateHeaders(
    request: Request,
    { offset, expiresAt, postId }: UploadState,
  ): Record<string, string> {
    const common = { "upload-offset": String(offset), "cache-control": "no-store" };
    // Expiration: Upload-Expires "indicates the time after which the unfinished upload expires".
    return postId === null
      ? { ...common, "upload-expires": expiresAt.toUTCString() }
      : { ...common, "content-location": `${baseUrl.of(request)}/posts/${postId}` };
  }

  /**
   * Wraps a handler of one upload: forwards the request unless this node has the bytes.
   * @param part what follows the upload's path
   */
  const onItsNode =
    (handle: (context: Context, upload: ResumableUpload) => Promise<Response>, part = "") =>
    async (context: Context): Promise<Response> => {
      const { request, params, viewer } = context;
      requireVersion(request.headers);
      const upload = await requireUpload(services, viewer.id, canonicalId(params.id));
      const isHere = upload.folder === uploadFolder.id || upload.postId !== null;
      return isHere ? handle(context, upload) : forward(request, upload, part, requestIds);
    };

  /** OPTIONS: "A successful response […] MUST contain the Tus-Version header." */
  const options = () =>
    new Response(null, {
      status: 204,
      headers: {
        "tus-version": tusVersion,
        "tus-extension": tusExtensions,
        "tus-max-size": String(maxUploadBytes(services)),
        "tus-checksum-algorithm": checksumAlgorithms,
      },
    });

  return (
    new Elysia({ detail: { tags: ["uploads"] } })
      .use(authPlugin(authenticator))
      .options("/uploads", options, { detail: uploadDescriptions.options })
      .options("/uploads/:id", options, { detail: uploadDescriptions.optionsOfOne })
      .post(
        "/uploads",
        async ({ request, viewer, actor }) => {
          requireVersion(request.headers);
          const signedIn = { viewer, actor };
          const upload = await createUpload(services, signedIn, request);
          // Creation With Upload: "The Server […] MUST include the Upload-Offset header in the response and MUST set its value
          // to the offset of the upload after applying the accepted bytes."
          const state = hasUploadBody(request.headers)
            ? await beginUpload(services, signedIn, upload, request)
            : upload;
          // Creation: "The Server MUST acknowledge a successful upload creation with the 201 Created status. The Server MUST set
          // the Location header to the URL of the created resource."
          const location = `${baseUrl.of(request)}/uploads/${upload.id}`;
          return new Response(null, { status: 201, headers: { location, ...stateHeaders(request, state) } });
        },
        { signedIn: true, parse, detail: uploadDescriptions.create },
      )
      // HEAD: "The Server MUST always include the Upload-Offset header in the response […] even if the offset is 0, or the upload
      // is already considered completed. If the size of the upload is known, the Server MUST include the Upload-Length header
      // […]. The Server MUST prevent the client and/or proxies from caching the response by adding the Cache-Control: no-store
      // header". Creation: "responses to HEAD requests MUST include the Upload-Metadata header and its value as specified by
      // the Client during the creation."
      .head(
        "/uploads/:id",
        onItsNode(async ({ request, viewer, actor }, { id, length, metadata }) => {
          const state = await settledUpload(services, { viewer, actor }, id);
          const headers = { ...stateHeaders(request, state), "upload-length": String(length) };
          return new Response(null, {
            headers: metadata === null ? headers : { ...headers, "upload-metadata": metadata },
          });
        }),
        { signedIn: true, detail: uploadDescriptions.state },
      )
      // PATCH: "The Server MUST acknowledge successful PATCH requests with the 204 No Content status. It MUST include the
      // Upload-Offset header containing the new offset." Expiration: Upload-Expires "MUST be included in every PATCH response
      // if the upload is going to expire."
      .patch(
        "/uploads/:id",
        onItsNode(async ({ request, viewer, actor }, { id }) => {
          requireUploadBody(request.headers);
          const state = await continueUpload(services, { viewer, actor }, id, request);
          return new Response(null, { status: 204, headers: stateHeaders(request, state) });
        }),
        { signedIn: true, parse, detail: uploadDescriptions.append },
      )
      // Not part of tus.
      .put(
        "/uploads/:id/thumbnail",
        onItsNode(async ({ request, viewer, actor }, { id }) => {
          await keepThumbnail(services, { viewer, actor }, id, request);
          return new Response(null, { status: 204 });
        }, "/thumbnail"),
        { signedIn: true, parse, detail: uploadDescriptions.thumbnail },
      )
      // Termination: "the Server SHOULD free associated resources and MUST respond with the 204 No Content status".
      .delete(
        "/uploads/:id",
        onItsNode(async ({ viewer, actor }, { id }) => {
          await terminateUpload(services, { viewer, actor }, id);
          return new Response(null, { status: 204 });
        }),
        { signedIn: true, parse, detail: uploadDescriptions.terminate },
      )
  );
};
