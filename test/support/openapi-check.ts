import Ajv, { type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import type { AnyElysia } from "elysia";

import { openApiDocument } from "../../src/openapi/document.ts";

type Node = Record<string, unknown>;
interface ResponseObject {
  headers?: Record<string, { $ref: string }>;
  content?: Record<string, MediaType>;
}
interface MediaType {
  examples?: Record<string, { value: { detail: string | { code: string } } }>;
}
export interface OpenApiDocument extends Node {
  paths: Record<string, Record<string, { responses: Record<string, Node> }>>;
}

/** Headers that describe no route: those of HTTP, security policies, compression, CORS and the version of tus. */
const generalHeaders =
  /^(?:access-control-.*|cache-control|connection|content-(?:encoding|length|security-policy|type)|cross-origin-resource-policy|date|referrer-policy|strict-transport-security|tus-resumable|vary|x-content-type-options|x-frame-options)$/;

/** Pages for people, which the document leaves out. */
const pages = /^\/(?:assets\/|favicon\.ico$|manifest\.webmanifest$|offline\.js$|docs|redoc|openapi\.json|$)/;

/**
 * Compares responses with an OpenAPI document: the route and the status must be documented; content type, JSON body and
 * headers must be as documented, without undocumented fields and headers; an error must be one of the examples.
 * @returns a function that resolves to what is wrong with a response, or to undefined. It leaves the body readable.
 */
export function createOpenApiCheck(document: OpenApiDocument) {
  const ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
  ajv.addSchema(closed(document) as object, "document");
  const validators = new Map<string, ValidateFunction>();
  // `/users/me` comes before `/users/{id}`.
  const routes = Object.keys(document.paths)
    .sort((a, b) => a.split("{").length - b.split("{").length)
    .map((path) => ({
      path,
      expression: new RegExp(`^${path.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}/?$`),
    }));

  /** Resolves a JSON pointer (RFC 6901) and the references on its way; `at` is where it ends. */
  function follow<Found>(pointer: string): { at: string; found: Found } {
    const tokens = pointer.split("/").slice(1);
    const found = tokens.reduce<Node>((node, token) => node[unescape(token)] as Node, document);
    return typeof found["$ref"] === "string"
      ? follow(found["$ref"].slice(1))
      : { at: pointer, found: found as Found };
  }

  function schemaProblems(at: string, value: unknown): string[] {
    const validator = validators.get(at) ?? ajv.compile({ $ref: `document#${encodeURI(at)}` });
    validators.set(at, validator);
    if (validator(value)) return [];
    return (validator.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  }

  async function problemsOf(method: string, path: string, response: Response): Promise<string[]> {
    const isPreflight = method === "OPTIONS" && response.status === 204;
    if (pages.test(path) || isPreflight) return [];
    const route = routes.find(({ expression }) => expression.test(path))?.path ?? "";
    const operations = document.paths[route] ?? {};
    const verb = method === "HEAD" && !operations["head"] ? "get" : method.toLowerCase();
    const responses = operations[verb]?.responses;
    if (!responses) {
      if (![404, 405, 503].includes(response.status)) return ["the route is not documented"];
      return schemaProblems("/components/schemas/ApiError", await jsonOf(response));
    }
    if (!responses[response.status]) return ["the status is not documented"];
    const { at, found } = follow<ResponseObject>(
      `/paths/${escape(route)}/${verb}/responses/${response.status}`,
    );
    return [
      ...headerProblems(found, response),
      ...(method === "HEAD" ? [] : await contentProblems(at, found, response)),
    ];
  }

  function headerProblems({ headers = {} }: ResponseObject, response: Response): string[] {
    const documented = Object.keys(headers).map((name) => name.toLowerCase());
    const undocumented = [...response.headers.keys()].filter(
      (name) => !generalHeaders.test(name) && !documented.includes(name),
    );
    const wrong = Object.entries(headers).flatMap(([name, { $ref }]) => {
      const { at, found } = follow<{ required?: boolean; schema: { type: string } }>($ref.slice(1));
      const value = response.headers.get(name);
      if (value === null) return found.required ? [`the header ${name} is missing`] : [];
      const typed = found.schema.type === "integer" ? Number(value) : value;
      return schemaProblems(`${at}/schema`, typed).map((problem) => `the header ${name}: ${problem}`);
    });
    return [...undocumented.map((name) => `the header ${name} is not documented`), ...wrong];
  }

  async function contentProblems(at: string, { content }: ResponseObject, response: Response) {
    if (!content) return (await response.clone().text()) === "" ? [] : ["a body is not documented"];
    const type = response.headers.get("content-type")?.split(";", 1)[0] ?? "none";
    const range = Object.keys(content).find((name) => isOfRange(type, name));
    if (range === undefined) return [`the content type ${type} is not documented`];
    if (type !== "application/json") return [];
    const body = await jsonOf(response);
    const problems = schemaProblems(`${at}/content/${escape(range)}/schema`, body);
    // The sentence of a 415 depends on the file.
    if (response.status !== 415 && !isOfExamples(body, content[range]!))
      problems.push(`the error is none of the examples: ${JSON.stringify(body)}`);
    return problems.map((problem) => `the body: ${problem}`);
  }

  return async (method: string, path: string, response: Response): Promise<string | undefined> => {
    const problems = await problemsOf(method, path, response);
    if (problems.length === 0) return undefined;
    return `${method} ${path} answered ${response.status}, not as the OpenAPI document says: ${problems.join("; ")}`;
  };
}

const escape = (token: string) => token.replaceAll("~", "~0").replaceAll("/", "~1");
const unescape = (token: string) => token.replaceAll("~1", "/").replaceAll("~0", "~");

const isOfRange = (type: string, range: string) =>
  range.endsWith("/*") ? type.startsWith(range.slice(0, -1)) : range === type;

/** Whether an error is one of the examples: the same code, or the same sentence, which may go on with a limit. */
function isOfExamples(body: unknown, { examples }: MediaType): boolean {
  const { detail } = (body ?? {}) as { detail?: string | { code: string } };
  if (!examples || detail === undefined) return true;
  return Object.values(examples).some(({ value }) =>
    typeof value.detail === "string"
      ? typeof detail === "string" && detail.startsWith(value.detail)
      : typeof detail === "object" && detail.code === value.detail.code,
  );
}

async function jsonOf(response: Response): Promise<unknown> {
  const bytes = await response.clone().bytes();
  const coding = response.headers.get("content-encoding");
  const plain =
    coding === "gzip" ? Bun.gunzipSync(bytes) : coding === "zstd" ? Bun.zstdDecompressSync(bytes) : bytes;
  return JSON.parse(new TextDecoder().decode(plain));
}

/** Copies a document with every object closed: clients should tolerate new fields, but all of ours must be documented. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, closed(inner)]));
  return copy["type"] === "object" && "properties" in copy ? { ...copy, additionalProperties: false } : copy;
}

type Check = ReturnType<typeof createOpenApiCheck>;
/** Services with the same routes share a check: generating the document takes longer than many tests. */
const byRoutes = new Map<string, Promise<Check>>();
const byApp = new WeakMap<AnyElysia, Promise<Check>>();

function checkOf(app: AnyElysia): Promise<Check> {
  const known = byApp.get(app);
  if (known) return known;
  const routes = app.routes.map(({ method, path }) => `${method} ${path}`).join();
  const make = async () => createOpenApiCheck((await openApiDocument(app)) as OpenApiDocument);
  const check = byRoutes.get(routes) ?? make();
  byRoutes.set(routes, check);
  byApp.set(app, check);
  return check;
}

/** @throws an error that says what is wrong unless a response of this app is as its OpenAPI document says */
export async function expectDocumented(app: AnyElysia, request: Request, response: Response): Promise<void> {
  const check = await checkOf(app);
  const problem = await check(request.method, new URL(request.url).pathname, response);
  if (problem !== undefined) throw new Error(problem);
}
