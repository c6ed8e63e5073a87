import type { TSchema } from "@sinclair/typebox";

import type { ApiErrorCode } from "../errors.ts";
import type { HeaderName } from "./headers.ts";

/**
 * The body of a response: JSON of one schema or of one of several, JSON `null`, other media types, or no body (null). Every
 * schema needs an `$id`, the name of its component.
 */
export type Body = TSchema | readonly TSchema[] | "null" | { media: readonly string[] } | null;

/** The schemas of a JSON body; empty for other bodies. */
export function schemasOf(body: Body): readonly TSchema[] {
  if (body === null || body === "null" || "media" in body) return [];
  return [body as TSchema | readonly TSchema[]].flat();
}

export interface ResponseDescription {
  meaning: string;
  body: Body;
  /** Response headers in addition to `X-Request-Id`. */
  headers?: readonly HeaderName[];
}

/** A path, query or header parameter. There is no example, because Swagger UI would prefill the field with it. */
export interface ParameterDescription {
  description: string;
  schema: { type: "integer" | "string"; [keyword: string]: string | number };
}

/** The OpenAPI description of a route, apart from its path, its method and the schema of its body. */
export interface Description {
  /** The operation's id. Generated clients name their functions after it. */
  id: string;
  summary: string;
  /** Details for callers, beyond the summary. */
  description: string;
  /** The successful response. */
  answer: { status: number } & ResponseDescription;
  /** The errors of this route, apart from those that all routes or all guarded routes share. */
  errors?: readonly ApiErrorCode[];
  /** Other responses by status, neither successful nor in the error table. */
  others?: Record<number, ResponseDescription>;
  /** Whether 422 is among the responses. */
  validates?: boolean;
  /** Required rights; none if omitted. */
  audience?: "signed in" | "superusers";
  /** A request body of bytes that no schema describes. */
  bytes?: { readonly type: string; readonly isRequired: boolean };
  /** Content types of the request body; JSON if omitted. */
  accepts?: readonly string[];
  /** The path in the document, for routes with a wildcard. */
  template?: string;
  /** Parameters of the path, by name. */
  path?: Record<string, ParameterDescription>;
  /** Query parameters, by name. */
  query?: Record<string, ParameterDescription>;
  /** Request headers that the route reads, by name. */
  reads?: Record<string, ParameterDescription>;
}

/** The key in a route's `detail` under which `openApiDocument` finds the description. */
export const descriptionKey = "x-description";

/** Returns the `detail` of a route. Nothing is generated until the document is requested. */
export const describe = (description: Description) => ({
  operationId: description.id,
  [descriptionKey]: description,
});
