import { apiErrors, type ApiErrorCode } from "../errors.ts";
import type { Component } from "./schemas.ts";

/** What a route's document says. */
export interface Description {
  /** Names the function in generated clients. */
  id: string;
  summary: string;
  description?: string;
  /** The successful answer: `null` for an empty body, `"null"` for JSON's null, or a content type of bytes. */
  answer: {
    status: number;
    body: Component | "null" | null | { bytes: string };
    headers?: Record<string, string>;
  };
  /** Every error this route has of its own. */
  errors?: readonly ApiErrorCode[];
  /** Answers that the success and the table of errors do not tell, by status: one of these bodies, bytes, or none. */
  others?: Record<number, { meaning: string; body?: readonly Component[] | { bytes: string } }>;
  /** 422 is among its answers. */
  validates?: boolean;
  /** Who may ask; `everybody` when left out. */
  audience?: "signed in" | "superusers";
  /** Content types of the body; JSON when left out. */
  accepts?: readonly string[];
  /** Request headers it reads, with their meaning. */
  reads?: Record<string, string>;
  /** Query parameters, where the schema that checks them says less than there is to know. */
  query?: Record<
    string,
    { description: string; schema: { type: "integer" | "string"; [keyword: string]: unknown } }
  >;
}

/** The name under which a description travels to `openApiDocument`. */
export const acceptsKey = "x-accepts";

const ref = (component: Component) => ({ schema: { $ref: `#/components/schemas/${component}` } });

/** Every answer has it. */
const requestId = {
  "X-Request-Id": {
    description: "Names the request in the service's log.",
    schema: { type: "string" as const },
  },
};

/** What can happen to every route: a fault of ours, the end, and a database that does not answer. */
const everywhere = ["INTERNAL", "STOPPING", "UNAVAILABLE"] as const satisfies ApiErrorCode[];

/** Makes the `detail` of a route from its description. */
export function describe(description: Description) {
  const { id, summary, answer, audience, accepts = ["application/json"], reads = {} } = description;
  const parameters = [
    ...Object.entries(reads).map(([name, meaning]) => ({
      in: "header" as const,
      name,
      description: meaning,
      schema: { type: "string" as const },
    })),
    ...Object.entries(description.query ?? {}).map(([name, about]) => ({
      in: "query" as const,
      name,
      ...about,
    })),
  ];
  // FORBIDDEN is for whoever is no superuser, and for whoever must prove his address first.
  const guards: ApiErrorCode[] = audience ? ["UNAUTHORIZED", "FORBIDDEN"] : [];
  // One reader of bodies limits both.
  const slow: ApiErrorCode[] = description.errors?.includes("BODY_TOO_LARGE") ? ["BODY_TOO_SLOW"] : [];
  return {
    operationId: id,
    summary,
    description: description.description ?? `${summary}.`,
    ...(audience && { security: [{ OAuth2PasswordBearer: [] }] }),
    ...(parameters.length > 0 && { parameters }),
    responses: {
      [answer.status]: success(answer),
      ...failures([...guards, ...(description.errors ?? []), ...slow, ...everywhere]),
      ...(description.validates && {
        422: {
          description: "The request does not fit.",
          content: { "application/json": ref("HTTPValidationError") },
          headers: requestId,
        },
      }),
      ...Object.fromEntries(
        Object.entries(description.others ?? {}).map(([status, { meaning, body }]) => [
          status,
          { description: meaning, headers: requestId, ...(body && { content: otherContent(body) }) },
        ]),
      ),
    },
    [acceptsKey]: accepts,
  };
}

const binary = (type: string) => ({ [type]: { schema: { type: "string" as const, format: "binary" } } });

function otherContent(body: readonly Component[] | { bytes: string }) {
  if ("bytes" in body) return binary(body.bytes);
  return { "application/json": { schema: { anyOf: body.map((component) => ref(component).schema) } } };
}

function success({ body, headers = {} }: Description["answer"]) {
  const content =
    body === null
      ? undefined
      : body === "null"
        ? { "application/json": { schema: { nullable: true, enum: [null] }, example: null } }
        : typeof body === "object"
          ? binary(body.bytes)
          : { "application/json": ref(body) };
  return {
    description: "Done.",
    ...(content && { content }),
    headers: {
      ...requestId,
      ...Object.fromEntries(
        Object.entries(headers).map(([name, meaning]) => [
          name,
          { description: meaning, schema: { type: "string" as const } },
        ]),
      ),
    },
  };
}

/** One response a status, with an example for every code that has it. */
function failures(codes: readonly ApiErrorCode[]) {
  const byStatus = Map.groupBy(codes, (code) => apiErrors[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, sharing]) => {
      const withReason = sharing.filter((code) => code.endsWith("_INVALID_PASSWORD"));
      const kinds = [
        ...(withReason.length < sharing.length ? [ref("Error").schema] : []),
        ...(withReason.length > 0 ? [ref("ErrorWithReason").schema] : []),
      ];
      const examples = Object.fromEntries(
        sharing.map((code) => [
          code,
          {
            value: {
              detail: withReason.includes(code)
                ? { code, reason: "Password should be at least 8 characters" }
                : apiErrors[code].detail,
            },
          },
        ]),
      );
      const retry = status === 429 || status === 503 || status === 409;
      return [
        status,
        {
          description: sharing.map((code) => `\`${code}\``).join(", "),
          content: {
            "application/json": { schema: kinds.length === 1 ? kinds[0]! : { anyOf: kinds }, examples },
          },
          headers: {
            ...requestId,
            ...(retry && {
              "Retry-After": { description: "Seconds to wait.", schema: { type: "string" as const } },
            }),
          },
        },
      ];
    }),
  );
}
