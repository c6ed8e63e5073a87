import type { TSchema } from "@sinclair/typebox";
import type { TypeCheck } from "@sinclair/typebox/compiler";
import { ValueErrorType, type ValueError } from "@sinclair/typebox/errors";
import { t, type ValidationError } from "elysia";

import { type Problem } from "../errors.ts";

type Wording = Pick<Problem, "type" | "msg">;

/** A schema's `problem` annotation gives the type and message of the problem for an invalid value. */
interface Annotated {
  problem?: Wording | ((value: unknown) => Wording);
}

/**
 * Translates Elysia's validation error into problems in pydantic's format, at most one per field. They never contain the
 * submitted input, whereas Elysia's message repeats the whole body, including passwords.
 */
export function problemsOf(error: ValidationError): Problem[] {
  const problems = new Map<string, Problem>();
  const where = error.type === "params" ? "path" : error.type;
  const validator = error.validator as TypeCheck<TSchema>;
  for (const found of validator.Errors(error.value)) {
    // A missing field is reported a second time, for its type.
    if (problems.has(found.path)) continue;
    const loc = [where, ...found.path.split("/").slice(1).map(unescapePointer)];
    problems.set(found.path, { ...wordingOf(found), loc });
  }
  return [...problems.values()];
}

/** Decodes a token of a JSON Pointer (RFC 6901, 4). */
const unescapePointer = (token: string) => token.replaceAll("~1", "/").replaceAll("~0", "~");

function wordingOf({ type, schema, value }: ValueError): Wording {
  // In Elysia's copy of the body, missing fields are undefined.
  if (type === ValueErrorType.ObjectRequiredProperty || value === undefined)
    return { type: "missing", msg: "Field required" };
  const { problem } = schema as Annotated;
  if (problem) return typeof problem === "function" ? problem(value) : problem;
  switch (type) {
    case ValueErrorType.StringPattern:
      return { type: "string_pattern_mismatch", msg: `String should match pattern '${schema["pattern"]}'` };
    case ValueErrorType.StringMaxLength:
      return { type: "string_too_long", msg: `String should have at most ${schema["maxLength"]} characters` };
    case ValueErrorType.StringMinLength:
      return {
        type: "string_too_short",
        msg: `String should have at least ${schema["minLength"]} characters`,
      };
    case ValueErrorType.String:
      return { type: "string_type", msg: "Input should be a valid string" };
    default:
      return { type: "value_error", msg: "Value error, the value does not fit" };
  }
}

/** The schema of a boolean in any of pydantic's forms: true, 1, "yes", "on", … Convert values with {@link isTrue}. */
export const lenientBoolean = ({ nullable, description }: { nullable: boolean; description: string }) =>
  t.Union(
    [
      t.Boolean(),
      t.Literal(0),
      t.Literal(1),
      t.String({
        pattern: "^(?:[Tt]rue|TRUE|[Ff]alse|FALSE|[01]|[TtFfYyNn]|[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF)$",
      }),
      ...(nullable ? [t.Null()] : []),
    ],
    {
      description,
      documented: { type: "boolean", ...(nullable && { nullable }) },
      problem: { type: "bool_parsing", msg: "Input should be a valid boolean, unable to interpret input" },
    },
  );

export const isTrue = (value: unknown): boolean =>
  value === true || value === 1 || (typeof value === "string" && /^(?:t|true|1|y|yes|on)$/i.test(value));
