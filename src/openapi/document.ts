import { swagger } from "@elysiajs/swagger";
import { Elysia, type AnyElysia } from "elysia";

import { version } from "../version.ts";
import { descriptionKey, schemasOf, type Description, type ParameterDescription } from "./describe.ts";
import { headers } from "./headers.ts";
import { openApiSchema, type Json, type JsonObject } from "./openapi-schema.ts";
import { pascalCase, responsesOf, type SharedComponents } from "./responses.ts";
import { apiErrorSchema, invalidPasswordSchema, validationErrorSchema } from "./schemas.ts";

const info = {
  title: "Image Sharing",
  version,
  description: `Share photos and videos: accounts, uploads, a feed, and delivery of the media.

**Getting started.** Register, log in with \`POST /auth/jwt/login\`, and send the access token with every request as \`Authorization: Bearer <token>\`. \`POST /auth/session/login\` and \`POST /auth/cookie/login\` begin a session instead, which lasts. In Swagger UI, use **Authorize** with your email address as the username.

**Errors** are \`{"detail": …}\`. Where clients need to tell errors of one status apart, the detail is one of FastAPI Users' codes; otherwise it is a sentence for people. A request that does not fit is answered with 422 and an entry for every field at fault.

**Lists** come in pages. Pass \`next_cursor\` as \`cursor\` to get the next page, until it is null.`,
  license: { name: "MIT", url: "https://opensource.org/license/mit" },
};

const tags = [
  { name: "auth", description: "Registration, login, email verification and password reset." },
  { name: "users", description: "Your own account; superusers can manage every account and invite others." },
  { name: "posts", description: "Uploading, reading, editing, deleting and reporting posts." },
  { name: "uploads", description: "Uploads that survive a lost connection." },
  { name: "media", description: "The photos and videos themselves." },
  { name: "operation", description: "Health and metrics, for operators." },
];

/** The ways to authenticate, any of which will do. The names are those of FastAPI Users, where it has one. */
const securitySchemes = {
  OAuth2PasswordBearer: {
    type: "oauth2",
    description: "An access token. Log in with an email address (as the username) and a password.",
    flows: { password: { tokenUrl: "auth/jwt/login", scopes: {} } },
  },
  // Not another password flow: Swagger UI gives the fields of two of them the same ids.
  SessionBearer: {
    type: "http",
    scheme: "bearer",
    description: "The token of a session, from `POST /auth/session/login`.",
  },
  APIKeyCookie: {
    type: "apiKey",
    description: "The cookie that `POST /auth/cookie/login` sets.",
    in: "cookie",
    name: "fastapiusersauth",
  },
};

/** An operation as `@elysiajs/swagger` generates it from a route. */
interface RouteOperation {
  tags?: string[];
  parameters?: { in: string; name: string }[];
  requestBody?: { content: Record<string, { schema: JsonObject }> };
  [descriptionKey]?: Description;
}

/**
 * Generates the OpenAPI 3.0 document of an app; the same routes always give the same document. `@elysiajs/swagger`
 * provides paths and request bodies, and the routes' descriptions provide the rest. It is large, so import this module on
 * first use.
 *
 * URLs are relative to the document's own, so that it works behind any host and path prefix.
 */
export async function openApiDocument(app: AnyElysia): Promise<Json> {
  const generator = new Elysia()
    .use(
      swagger({
        path: "/pages",
        specPath: "/document",
        exclude: ["/pages", "/document"],
        excludeMethods: [],
      }),
    )
    .use(app);
  const response = await generator.handle(new Request("http://localhost/document"));
  const generated = (await response.json()) as { paths: Record<string, Record<string, RouteOperation>> };

  const routes = { ...generated.paths, ...wildcardPaths(app) };
  const shared: SharedComponents = {
    responses: {},
    schemas: responseSchemas(Object.values(routes).flatMap((operations) => Object.values(operations))),
  };
  const paths = mapValues(routes, (operations) =>
    mapValues(operations, (operation, method) => describedOperation(method, operation, shared)),
  );
  return {
    openapi: "3.0.3",
    info,
    servers: [{ url: ".", description: "This service" }],
    tags,
    paths,
    components: {
      schemas: shared.schemas,
      responses: sorted(shared.responses),
      headers,
      securitySchemes,
    },
  } as unknown as Json;
}

/** The schemas of all response bodies by name, in the order of the tags; those of errors last. */
function responseSchemas(operations: RouteOperation[]): Record<string, JsonObject> {
  const order = tags.map(({ name }) => name);
  const rank = ({ tags: [tag = ""] = [] }: RouteOperation) => order.indexOf(tag);
  const bodies = operations
    .toSorted((a, b) => rank(a) - rank(b))
    .flatMap(({ [descriptionKey]: description }) =>
      description ? [description.answer, ...Object.values(description.others ?? {})] : [],
    )
    .flatMap(({ body }) => schemasOf(body));
  return Object.fromEntries(
    [...bodies, apiErrorSchema, invalidPasswordSchema, validationErrorSchema].map((schema) => [
      schema.$id ?? "",
      openApiSchema(schema as unknown as JsonObject),
    ]),
  );
}

/** Returns the routes with a wildcard, which the plugin omits. */
function wildcardPaths({ routes }: AnyElysia): Record<string, Record<string, RouteOperation>> {
  const paths: Record<string, Record<string, RouteOperation>> = {};
  for (const { method, hooks } of routes) {
    const operation = ((hooks as { detail?: RouteOperation }).detail ?? {}) as RouteOperation;
    const { template, path = {} } = operation[descriptionKey] ?? {};
    if (template === undefined) continue;
    const parameters = Object.keys(path).map((name) => ({ in: "path", name }));
    (paths[template] ??= {})[method.toLowerCase()] = { ...operation, parameters };
  }
  return paths;
}

function describedOperation(
  method: string,
  { tags = [], parameters = [], requestBody, [descriptionKey]: description }: RouteOperation,
  shared: SharedComponents,
): object {
  // A test fails for every route without a description.
  if (!description) return { tags, responses: {} };
  const { id, summary, description: text, audience, bytes, accepts = ["application/json"] } = description;
  const described = [
    // Path parameters keep their order in the path.
    ...parameters.flatMap(({ in: place, name }) =>
      place === "path" ? parametersOf(place, { [name]: description.path?.[name] }) : [],
    ),
    ...parametersOf("query", description.query),
    ...parametersOf("header", description.reads),
  ];
  return {
    operationId: id,
    tags,
    summary,
    description: text,
    security: audience ? Object.keys(securitySchemes).map((name) => ({ [name]: [] })) : [],
    ...(described.length > 0 && { parameters: described }),
    ...(requestBody && { requestBody: namedBody(id, requestBody.content, accepts, shared) }),
    ...(bytes && { requestBody: bytesBody(id, bytes, shared) }),
    responses: responsesOf(method, description, shared),
  };
}

const parametersOf = (
  place: "path" | "query" | "header",
  described: Record<string, ParameterDescription | undefined> = {},
): object[] =>
  Object.entries(described).map(([name, parameter]) => ({
    in: place,
    name,
    required: place === "path",
    ...parameter,
  }));

/** Makes the schema of a body a component, so that generated clients have a name for it. */
function namedBody(
  operationId: string,
  content: Record<string, { schema: JsonObject }>,
  accepts: readonly string[],
  shared: SharedComponents,
): object {
  const name = `${pascalCase(operationId)}Body`;
  shared.schemas[name] = openApiSchema(Object.values(content)[0]?.schema ?? {});
  const schema = { $ref: `#/components/schemas/${name}` };
  return { required: true, content: Object.fromEntries(accepts.map((type) => [type, { schema }])) };
}

function bytesBody(
  operationId: string,
  { type, isRequired }: NonNullable<Description["bytes"]>,
  shared: SharedComponents,
): object {
  const name = `${pascalCase(operationId)}Body`;
  shared.schemas[name] = { type: "string", format: "binary" };
  return { required: isRequired, content: { [type]: { schema: { $ref: `#/components/schemas/${name}` } } } };
}

const mapValues = <From, To>(
  record: Record<string, From>,
  change: (value: From, key: string) => To,
): Record<string, To> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));

const sorted = <Value>(record: Record<string, Value>): Record<string, Value> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
