// TypeBox's own `t`: Elysia's integers also accept text, which is right for queries and wrong for responses.
import { Type as t, type TSchema, type TString, type TInteger, type TNumber } from "@sinclair/typebox";

import { apiErrors, problemTypes } from "../errors.ts";
import { openApiSchema, type JsonObject } from "./openapi-schema.ts";

// Response bodies are not validated at run time: their types come from the schemas, and the tests validate every response.
// A schema's `$id` is the name of its component in the document.

/** Ids that several examples share. */
export const exampleIds = {
  user: "3f2f9d6a-6d0b-4a53-9d0e-0a5f3a1c7b42",
  post: "01a207bc-5e6f-7765-ab26-378a7165c257",
  report: "01a2081f-0c11-7a40-9f3e-5b8c1d2e3f40",
};

export const uuid = (example: string, description: string): TString =>
  t.String({ format: "uuid", description, examples: [example] });

export const nullable = <S extends TString | TInteger | TNumber>(schema: S) => t.Union([schema, t.Null()]);

/** `next_cursor` of a page. */
export const nextCursor = nullable(
  t.String({
    description: "Pass it as `cursor` to get the next page; null on the last page.",
    examples: ["MTc5NTQyNTcxNTE4My4wMWEyMDdiYy01ZTZmLTc3NjUtYWIyNi0zNzhhNzE2NWMyNTc"],
  }),
);

/**
 * A field of a request body that may be left out, or be null with the same meaning. Validation sees no null: the parser of
 * the body removes such fields.
 */
export const absentOrNull = <S extends TSchema>(schema: S) =>
  t.Optional<S>({ ...schema, documented: { ...openApiSchema(schema as JsonObject), nullable: true } });

export const oneOf = <const V extends string>(
  values: readonly V[],
  options: { description?: string; examples?: string[] } = {},
) => t.Unsafe<V>({ type: "string", enum: values, ...options });

/** A reference to the component of a schema. */
export const schemaRef = ({ $id }: Pick<TSchema, "$id">): { $ref: string } => ({
  $ref: `#/components/schemas/${$id}`,
});

export const apiErrorSchema = t.Object(
  {
    detail: t.String({ description: "A sentence that says what went wrong.", examples: ["Not Found"] }),
  },
  { $id: "ApiError" },
);

export const invalidPasswordSchema = t.Object(
  {
    code: oneOf(Object.keys(apiErrors).filter((code) => code.endsWith("_INVALID_PASSWORD"))),
    reason: t.String({
      description: "A sentence to show to the user.",
      examples: ["Password should be at least 8 characters"],
    }),
  },
  { $id: "InvalidPassword" },
);

export const validationErrorSchema = t.Object(
  {
    detail: t.Array(
      t.Object({
        type: oneOf(problemTypes, { examples: ["missing"] }),
        loc: t.Array(t.Union([t.String(), t.Integer()]), {
          description: "Where: `body`, `query`, `path` or `header`, then the field.",
          examples: [["body", "email"]],
        }),
        msg: t.String({ examples: ["Field required"] }),
      }),
    ),
  },
  { $id: "HTTPValidationError" },
);
