import { STATUS_CODES } from "node:http";

import { apiErrors, type ApiErrorCode } from "../errors.ts";
import { schemasOf, type Body, type Description, type ResponseDescription } from "./describe.ts";
import { errorMeanings } from "./error-meanings.ts";
import type { HeaderName } from "./headers.ts";
import { apiErrorSchema, invalidPasswordSchema, schemaRef, validationErrorSchema } from "./schemas.ts";

/** Named responses and schemas. Building an operation adds those that it refers to. */
export interface SharedComponents {
  responses: Record<string, object>;
  schemas: Record<string, object>;
}

/** Any route can hit an internal error, a shutdown or an unreachable database. */
const errorsOfEveryRoute = ["INTERNAL", "STOPPING", "UNAVAILABLE"] as const satisfies ApiErrorCode[];

/** Any write can fail because the disk is full. */
const errorsOfWritingRoutes = ["STORAGE_FULL"] as const satisfies ApiErrorCode[];

/** FORBIDDEN also covers users who must verify their email address first. */
const errorsOfGuardedRoutes = ["UNAUTHORIZED", "FORBIDDEN"] as const satisfies ApiErrorCode[];

/** Requests with the session cookie must come from a trusted page. */
const errorsOfGuardedWrites = ["CROSS_ORIGIN_REQUEST"] as const satisfies ApiErrorCode[];

/** Headers that error responses carry, by status. */
const headersOfStatus: Partial<Record<number, readonly HeaderName[]>> = {
  401: ["WWW-Authenticate"],
  409: ["Retry-After"],
  423: ["Retry-After"],
  429: ["Retry-After"],
  503: ["Retry-After"],
};

/** Headers that certain errors carry as well. */
const headersOfError: Partial<Record<ApiErrorCode, readonly HeaderName[]>> = {
  TUS_VERSION_UNSUPPORTED: ["Tus-Version"],
};

/**
 * Builds the `responses` of an operation.
 * @param method in lower case
 */
export function responsesOf(
  method: string,
  description: Description,
  shared: SharedComponents,
): Record<string, object> {
  const { answer, audience, errors = [], others = {}, validates } = description;
  const codes = new Set<ApiErrorCode>([
    ...(audience ? errorsOfGuardedRoutes : []),
    ...(audience && method !== "get" && method !== "head" ? errorsOfGuardedWrites : []),
    ...errors,
    // The same reader limits the size and the duration of bodies.
    ...(errors.includes("BODY_TOO_LARGE") ? (["BODY_TOO_SLOW"] as const) : []),
    ...(method === "get" ? [] : errorsOfWritingRoutes),
    ...errorsOfEveryRoute,
  ]);
  const responses: Record<string, object> = { [answer.status]: response(answer) };
  if (validates) {
    shared.responses["ValidationFailed"] ??= response({
      meaning: "Validation failed. The response has an entry for every field at fault.",
      body: validationErrorSchema,
    });
    responses[422] = responseRef("ValidationFailed");
  }
  for (const [status, sharing] of Map.groupBy(codes, (code) => apiErrors[code].status))
    responses[status] = failure(description.id, status, sharing, shared);
  for (const [status, other] of Object.entries(others)) responses[status] = response(other);
  return responses;
}

function response({ meaning, body, headers = [] }: ResponseDescription) {
  return {
    description: meaning,
    headers: headerRefs(headers),
    ...(body !== null && { content: contentOf(body) }),
  };
}

function contentOf(body: Exclude<Body, null>): object {
  // The schema of `null` is {}: OpenAPI 3.0 has no type for it.
  if (body === "null") return { "application/json": { schema: {}, example: null } };
  if ("media" in body)
    return Object.fromEntries(
      (body.media as readonly string[]).map((type) => [
        type,
        { schema: { type: "string", ...(!type.startsWith("text/") && { format: "binary" }) } },
      ]),
    );
  const refs = schemasOf(body).map(schemaRef);
  return { "application/json": { schema: refs.length === 1 ? refs[0] : { anyOf: refs } } };
}

/**
 * Builds the error response for a status and returns a reference to it. Operations with the same errors share one
 * component. Where an error is sent as a code, the operation gets its own component, whose schema enumerates the codes.
 */
function failure(
  operationId: string,
  status: number,
  codes: readonly ApiErrorCode[],
  shared: SharedComponents,
): object {
  const hasCodes = codes.some(isSentAsCode);
  const name = hasCodes
    ? `${pascalCase(operationId)}${STATUS_CODES[status]?.replaceAll(" ", "") ?? status}`
    : codes.map((code) => pascalCase(code.toLowerCase())).join("Or");
  if (hasCodes) shared.schemas[name] = schemaOfCodes(codes);
  const schema = schemaRef(hasCodes ? { $id: name } : apiErrorSchema);
  shared.responses[name] ??= {
    description:
      codes.length === 1
        ? meaningOf(codes[0]!)
        : codes.map((code) => `- ${nameOf(code)}: ${meaningOf(code)}`).join("\n"),
    headers: headerRefs([
      ...(headersOfStatus[status] ?? []),
      ...codes.flatMap((code) => headersOfError[code] ?? []),
    ]),
    content: {
      "application/json": {
        schema,
        examples: Object.fromEntries(
          codes.map((code) => [
            code,
            { summary: meaningOf(code).replaceAll("`", ""), value: { detail: exampleOf(code) } },
          ]),
        ),
      },
    },
  };
  return responseRef(name);
}

const isSentAsCode = (code: ApiErrorCode) => apiErrors[code].detail === code;
const hasReason = (code: ApiErrorCode) => code.endsWith("_INVALID_PASSWORD");
/** Whether a limit follows the detail's text, see `ApiErrorOptions.detail`. */
const namesLimit = (code: ApiErrorCode) => code === "FILE_TOO_LARGE" || code === "TOO_MANY_UPLOADS";
const meaningOf = (code: ApiErrorCode): string => errorMeanings[code] ?? `${apiErrors[code].detail}.`;
const nameOf = (code: ApiErrorCode) => (isSentAsCode(code) ? `\`${code}\`` : `"${apiErrors[code].detail}"`);
const exampleOf = (code: ApiErrorCode) =>
  hasReason(code) ? { code, reason: "Password should be at least 8 characters" } : apiErrors[code].detail;

function schemaOfCodes(codes: readonly ApiErrorCode[]): object {
  const plain = codes.filter((code) => !hasReason(code) && !namesLimit(code));
  const kinds = [
    ...(plain.length > 0 ? [{ type: "string", enum: plain.map((code) => apiErrors[code].detail) }] : []),
    ...codes.filter(namesLimit).map((code) => ({ type: "string", pattern: `^${apiErrors[code].detail}` })),
    ...(codes.some(hasReason) ? [schemaRef(invalidPasswordSchema)] : []),
  ];
  return {
    type: "object",
    required: ["detail"],
    properties: { detail: kinds.length === 1 ? kinds[0] : { anyOf: kinds } },
  };
}

const responseRef = (name: string) => ({ $ref: `#/components/responses/${name}` });
const headerRefs = (names: readonly HeaderName[]) =>
  Object.fromEntries(
    ["X-Request-Id", ...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );

/** `resetPassword` and `not_found` as `ResetPassword` and `NotFound`. */
export const pascalCase = (name: string): string =>
  name.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
