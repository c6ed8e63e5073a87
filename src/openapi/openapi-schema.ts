export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/**
 * Converts a TypeBox schema to a schema object of OpenAPI 3.0, which differs from JSON Schema: `nullable` instead of the
 * type null, `enum` instead of `const`, `example` instead of `examples`. If validation is more lenient than clients should
 * rely on, or uses a custom format, the schema's `documented` annotation has the keywords to show instead.
 */
export function openApiSchema(schema: JsonObject): JsonObject {
  const { $id: _id, problem: _, documented, examples, description, const: constant, ...own } = schema;
  const about: JsonObject = {
    ...(description !== undefined && { description }),
    ...(Array.isArray(examples) && { example: examples[0]! }),
  };
  if (documented !== undefined) return { ...(documented as JsonObject), ...about };

  const { anyOf, properties, items, format, default: initial, ...kept } = own;
  const result: JsonObject = { ...kept, ...about };
  if (format !== undefined) result["format"] = format;
  // Elysia's file schema has a meaningless default.
  if (initial !== undefined && format !== "binary") result["default"] = initial;
  if (constant !== undefined) result["enum"] = [constant];
  if (items !== undefined) result["items"] = openApiSchema(items as JsonObject);
  if (properties !== undefined)
    result["properties"] = Object.fromEntries(
      Object.entries(properties as JsonObject).map(([name, inner]) => [
        name,
        openApiSchema(inner as JsonObject),
      ]),
    );
  return anyOf === undefined ? result : { ...alternatives(anyOf as JsonObject[]), ...result };
}

function alternatives(schemas: JsonObject[]): JsonObject {
  const kinds = schemas.filter((schema) => schema["type"] !== "null");
  const nullable: JsonObject = kinds.length < schemas.length ? { nullable: true } : {};
  const [only] = kinds;
  if (kinds.length === 1 && only) return { ...openApiSchema(only), ...nullable };
  if (kinds.every((schema) => typeof schema["const"] === "string"))
    return { type: "string", enum: kinds.map((schema) => schema["const"]!), ...nullable };
  return { anyOf: kinds.map(openApiSchema), ...nullable };
}
