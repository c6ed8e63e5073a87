import { exampleIds } from "./schemas.ts";

/** A response header in the OpenAPI document. */
interface HeaderDescription {
  description: string;
  /** Whether every response described with this header has it. */
  required?: boolean;
  schema: { type: "integer" | "string"; enum?: string[] };
  example: string | number;
}

/** Every response header that clients may rely on. */
export const headers = {
  "X-Request-Id": {
    description: "Identifies the request in the service's log. Quote it when you report a problem.",
    required: true,
    schema: { type: "string" },
    example: "01a207bc-5e6f-1k",
  },
  "WWW-Authenticate": {
    description: "The authentication scheme to use (RFC 9110, 11.6.1).",
    required: true,
    schema: { type: "string" },
    example: "Bearer",
  },
  "Retry-After": {
    description: "Seconds to wait before the next attempt.",
    schema: { type: "integer" },
    example: 5,
  },
  Link: {
    description: "The next page (RFC 8288). Left out on the last one.",
    schema: { type: "string" },
    example: '<https://photos.example.com/feed?cursor=MTc5NTQyNTcxNTE4My4wMWEyMDdiYw>; rel="next"',
  },
  "Set-Cookie": {
    description:
      "Stores or removes the cookie with the session's token, or that of a sign-in with the provider.",
    required: true,
    schema: { type: "string" },
    example:
      "fastapiusersauth=ims_bqTPn0S7kXvWm1hUe3yJ5dRz8cGaLfNoQ2i9rKtYw4E; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000; Secure",
  },
  Location: {
    description: "Where the file, the upload or the next page is.",
    required: true,
    schema: { type: "string" },
    example: "https://bucket.s3.example.com/01a207bc-5e6f-7765-ab26-378a7165c257.jpg?X-Amz-Expires=3600",
  },
  "Accept-Ranges": {
    description: "Single byte ranges can be requested.",
    required: true,
    schema: { type: "string", enum: ["bytes"] },
    example: "bytes",
  },
  "Content-Range": {
    description: "The range of bytes in the response and the size of the file. A 416 has the size only.",
    required: true,
    schema: { type: "string" },
    example: "bytes 0-65535/2400000",
  },
  "Content-Disposition": {
    description: "The name to save the file under (RFC 6266).",
    required: true,
    schema: { type: "string" },
    example: `inline; filename="snow.jpg"; filename*=UTF-8''snow.jpg`,
  },
  "Cache-Control": {
    description: "How long the response may be cached.",
    required: true,
    schema: { type: "string" },
    example: "public, max-age=31536000, immutable",
  },
  ETag: {
    description:
      "Identifies this version of the content, for `If-None-Match` and, where it is not weak, `If-Range`.",
    required: true,
    schema: { type: "string" },
    example: '"01a207bc-5e6f-7765-ab26-378a7165c257.jpg"',
  },
  "Last-Modified": {
    description: "When the file was published (RFC 9110, 8.8.2), for `If-Modified-Since` and `If-Range`.",
    required: true,
    schema: { type: "string" },
    example: "Mon, 23 Nov 2026 09:28:35 GMT",
  },
  "Content-Location": {
    description: "The post that the upload has become (RFC 9110, 8.7). Left out until it is published.",
    schema: { type: "string" },
    example: `https://photos.example.com/posts/${exampleIds.post}`,
  },
  "Tus-Version": {
    description: "The versions of tus that the service supports.",
    required: true,
    schema: { type: "string" },
    example: "1.0.0",
  },
  "Tus-Extension": {
    description: "The extensions of tus that the service supports.",
    required: true,
    schema: { type: "string" },
    example: "creation,creation-with-upload,expiration,checksum,termination",
  },
  "Tus-Max-Size": {
    description: "Bytes of the largest file. Images may have a lower limit.",
    required: true,
    schema: { type: "integer" },
    example: 524_288_000,
  },
  "Tus-Checksum-Algorithm": {
    description: "The algorithms of checksums that the service supports.",
    required: true,
    schema: { type: "string" },
    example: "sha1,sha256",
  },
  "Upload-Offset": {
    description: "Bytes of the file that the service has.",
    required: true,
    schema: { type: "integer" },
    example: 5_242_880,
  },
  "Upload-Length": {
    description: "Bytes of the whole file.",
    required: true,
    schema: { type: "integer" },
    example: 104_857_600,
  },
  "Upload-Metadata": {
    description: "What the client said about the file when it began the upload.",
    schema: { type: "string" },
    example: "filename c25vdy5qcGc=,caption Rmlyc3Qgc25vdw==",
  },
  "Upload-Expires": {
    description: "When the upload expires unless more bytes arrive. Left out once the post is published.",
    schema: { type: "string" },
    example: "Tue, 24 Nov 2026 09:28:35 GMT",
  },
} as const satisfies Record<string, HeaderDescription>;

export type HeaderName = keyof typeof headers;
