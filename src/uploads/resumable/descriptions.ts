import { describe } from "../../openapi/describe.ts";
import { tusVersion, uploadContentType } from "./protocol.ts";

const path = {
  id: { description: "The upload's id.", schema: { type: "string", format: "uuid" } },
} as const;

const version = {
  "Tus-Resumable": {
    description: `The version of the protocol: \`${tusVersion}\`.`,
    schema: { type: "string" },
  },
} as const;

const checksum = {
  "Upload-Checksum": {
    description:
      "The name of an algorithm (`sha1` or `sha256`), a space, and the checksum of the body in Base64.",
    schema: { type: "string" },
  },
} as const;

/** The errors of requests whose body has bytes of the file. */
const errorsOfBytes = [
  "BAD_CHECKSUM",
  "CHECKSUM_MISMATCH",
  "UPLOAD_LENGTH_EXCEEDED",
  "UPLOAD_LOCKED",
  "UPLOAD_TOO_SLOW",
  "FILE_TOO_LARGE",
  "QUOTA_EXCEEDED",
  "UNSUPPORTED_MEDIA",
  "DAMAGED_MEDIA",
  "CUT_OFF_MEDIA",
  "TOO_MANY_UPLOADS",
  "OVERLOADED",
  "STORE_FAILED",
  "STORE_UNAVAILABLE",
] as const;

const options = {
  description:
    "Uploads that survive a lost connection: tus 1.0.0 (https://tus.io/protocols/resumable-upload), with the extensions " +
    "creation, creation-with-upload, expiration, checksum and termination.",
  answer: {
    status: 204,
    meaning: "The protocol is supported.",
    body: null,
    headers: ["Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm"],
  },
} as const;

/** The OpenAPI descriptions of the routes of resumable uploads. */
export const uploadDescriptions = {
  options: describe({ id: "uploadOptions", summary: "Get the options of resumable uploads", ...options }),
  optionsOfOne: describe({
    id: "uploadOptionsOfOne",
    summary: "Get the options of a resumable upload",
    ...options,
    path,
  }),
  create: describe({
    id: "createUpload",
    summary: "Begin a resumable upload",
    description:
      "The answer's `Location` takes the bytes. The body may hold the first of them, or all. An unfinished upload expires " +
      "after 24 hours without new bytes. An account may have 100 of them.",
    answer: {
      status: 201,
      meaning: "The upload has begun; with `Content-Location`, the post of the whole file is published.",
      body: null,
      headers: ["Location", "Upload-Offset", "Upload-Expires", "Content-Location"],
    },
    errors: ["TUS_VERSION_UNSUPPORTED", ...errorsOfBytes, "TOO_MANY_REQUESTS", "TOO_MANY_UNFINISHED"],
    validates: true,
    audience: "signed in",
    bytes: { type: uploadContentType, isRequired: false },
    reads: {
      ...version,
      "Upload-Length": { description: "Bytes of the whole file.", schema: { type: "integer", minimum: 1 } },
      "Upload-Metadata": {
        description:
          "Pairs of a key and a value in Base64, separated by commas: `filename`, `caption`, `alt`. Other keys are kept and ignored.",
        schema: { type: "string" },
      },
      ...checksum,
    },
  }),
  state: describe({
    id: "readUpload",
    summary: "Get the offset of a resumable upload",
    description:
      "Interrupts a request that is still sending bytes; the bytes received so far count. The offset is that of " +
      "the whole file once the post is published.",
    answer: {
      status: 200,
      meaning: "The bytes up to `Upload-Offset` are safe.",
      body: null,
      headers: ["Upload-Offset", "Upload-Length", "Upload-Metadata", "Upload-Expires", "Content-Location"],
    },
    errors: ["TUS_VERSION_UNSUPPORTED", "NOT_FOUND", "UPLOAD_LOCKED", "UPLOAD_NODE_UNREACHABLE"],
    audience: "signed in",
    path,
    reads: version,
  }),
  append: describe({
    id: "appendToUpload",
    summary: "Send bytes of a resumable upload",
    description:
      "The last byte publishes the post. An error that a plain upload of the file would get, such as 413 or 415, ends the " +
      "upload. After any other the upload can be resumed from the offset that `HEAD` returns.",
    answer: {
      status: 204,
      meaning: "The bytes are safe; with `Content-Location`, the post is published.",
      body: null,
      headers: ["Upload-Offset", "Upload-Expires", "Content-Location"],
    },
    errors: [
      "TUS_VERSION_UNSUPPORTED",
      "NOT_FOUND",
      "UPLOAD_CONTENT_TYPE",
      "UPLOAD_OFFSET",
      ...errorsOfBytes,
      "UPLOAD_NODE_UNREACHABLE",
    ],
    validates: true,
    audience: "signed in",
    path,
    bytes: { type: uploadContentType, isRequired: true },
    reads: {
      ...version,
      "Upload-Offset": {
        description: "Where the bytes go: the offset that the upload has.",
        schema: { type: "integer", minimum: 0 },
      },
      ...checksum,
    },
  }),
  thumbnail: describe({
    id: "setUploadThumbnail",
    summary: "Set the poster or preview of a resumable upload",
    description:
      "Not part of tus. The image serves as the `thumbnail` part of a plain upload does. It is decoded when the post is " +
      "published, which goes without it if that fails. A later one replaces it.",
    answer: { status: 204, meaning: "The image is kept until the post is published.", body: null },
    errors: [
      "TUS_VERSION_UNSUPPORTED",
      "NOT_FOUND",
      "UPLOAD_LOCKED",
      "UPLOAD_TOO_SLOW",
      "TOO_MANY_UPLOADS",
      "OVERLOADED",
      "STORE_UNAVAILABLE",
      "UPLOAD_NODE_UNREACHABLE",
    ],
    validates: true,
    audience: "signed in",
    path,
    bytes: { type: "image/*", isRequired: true },
    reads: version,
  }),
  terminate: describe({
    id: "terminateUpload",
    summary: "End a resumable upload",
    description: "Removes an unfinished upload and its bytes. A post that is published already stays.",
    answer: { status: 204, meaning: "The upload is gone.", body: null },
    errors: ["TUS_VERSION_UNSUPPORTED", "NOT_FOUND", "UPLOAD_LOCKED", "UPLOAD_NODE_UNREACHABLE"],
    audience: "signed in",
    path,
    reads: version,
  }),
};
