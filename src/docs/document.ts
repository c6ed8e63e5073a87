import { Elysia, type AnyElysia } from "elysia";

import { version } from "../operation/version.ts";
import { acceptsKey } from "./describe.ts";
import { components } from "./schemas.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const about = {
  title: "Image Sharing",
  version,
  description:
    "Accounts, uploads, a feed and safe media storage. Register, log in (e-mail and password under **Authorize**), " +
    'upload, look at the feed. Errors are `{"detail": …}` with FastAPI Users\' codes.',
  license: { name: "MIT" },
};

const documentation = {
  info: about,
  servers: [{ url: "/" }],
  tags: [
    { name: "auth", description: "Accounts, tokens, proof of the address, recovery." },
    { name: "users", description: "The own account; everybody's, for superusers." },
    { name: "posts", description: "Sharing, looking, deleting." },
    { name: "media", description: "The bytes." },
    { name: "operation", description: "For those who run the service." },
  ],
  components: {
    schemas: components as never,
    securitySchemes: {
      OAuth2PasswordBearer: {
        type: "oauth2" as const,
        flows: { password: { tokenUrl: "/auth/jwt/login", scopes: {} } },
      },
    },
  },
};

/**
 * The OpenAPI 3.0 document of an app. `@elysiajs/swagger` makes it from the routes; what it cannot know (which content
 * types a body of our own parsers has) and what is not meant for readers is put right afterwards.
 * The plugin is loaded when somebody asks: at start nobody has to wait for it.
 */
export async function openApiDocument(app: AnyElysia): Promise<Json> {
  const { swagger } = await import("@elysiajs/swagger");
  const generator = new Elysia()
    .use(swagger({ path: "/pages", specPath: "/document", documentation, exclude: ["/pages", "/document"] }))
    .use(app);
  const answer = await generator.handle(new Request("http://localhost/document"));
  const document = tidy((await answer.json()) as Json) as {
    paths: Record<string, Record<string, Record<string, Json>>>;
    components: { schemas: Record<string, Json> };
  };
  for (const operations of Object.values(document.paths))
    for (const operation of Object.values(operations)) nameBody(operation, document.components.schemas);
  return document as unknown as Json;
}

/** Makes the body's schema a component, so that generated clients have a name for it, and lists its content types. */
function nameBody(operation: Record<string, Json>, schemas: Record<string, Json>): void {
  const accepts = operation[acceptsKey] as string[] | undefined;
  delete operation[acceptsKey];
  const body = operation["requestBody"] as { content: Record<string, { schema: Json }> } | undefined;
  const [first] = Object.values(body?.content ?? {});
  if (!body || !first || !accepts) return;
  const id = operation["operationId"] as string;
  const name = `${id.charAt(0).toUpperCase()}${id.slice(1)}Body`;
  schemas[name] = first.schema;
  const schema = { $ref: `#/components/schemas/${name}` };
  body.content = Object.fromEntries(accepts.map((type) => [type, { schema }]));
}

const formats: Record<string, Record<string, Json>> = {
  "email-address": { format: "email" },
  caption: { maxLength: 2200 },
};

/** Schemas as OpenAPI 3.0 has them: without our annotations, `nullable` for null, `example` for examples. */
function tidy(value: Json): Json {
  if (Array.isArray(value)) return value.map(tidy);
  if (value === null || typeof value !== "object") return value;
  const { problem: _, examples, const: constant, format, anyOf, ...rest } = value;
  const tidied = Object.fromEntries(Object.entries(rest).map(([key, inner]) => [key, tidy(inner)]));
  if (Array.isArray(examples)) tidied["example"] = examples[0] ?? null;
  else if (examples !== undefined) tidied["examples"] = tidy(examples);
  if (constant !== undefined) tidied["enum"] = [constant];
  // What Elysia's file schema says beside being binary.
  if (format === "binary") delete tidied["default"];
  if (typeof format === "string") Object.assign(tidied, formats[format] ?? { format });
  else if (format !== undefined) tidied["format"] = tidy(format);
  return anyOf === undefined ? tidied : { ...tidied, ...alternatives(anyOf as { [key: string]: Json }[]) };
}

function alternatives(schemas: { [key: string]: Json }[]): { [key: string]: Json } {
  const isNull = (schema: { [key: string]: Json }) => schema["type"] === "null";
  const kinds = schemas.filter((schema) => !isNull(schema));
  const nullable: { [key: string]: Json } = kinds.length < schemas.length ? { nullable: true } : {};
  if (kinds.length > 1 && kinds.every((schema) => "const" in schema && typeof schema["const"] === "string"))
    return { type: "string", enum: kinds.map((schema) => schema["const"]!), ...nullable };
  // Flags are read leniently, in any spelling the original took; clients are told of the proper one.
  if (kinds.some((schema) => schema["type"] === "boolean")) return { type: "boolean", ...nullable };
  const [only] = kinds;
  if (kinds.length === 1 && only) return { ...(tidy(only) as { [key: string]: Json }), ...nullable };
  return { anyOf: kinds.map(tidy), ...nullable };
}
