import redocScript from "redoc/bundles/redoc.standalone.js" with { type: "file" };
import swaggerScript from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" };
import swaggerStyle from "swagger-ui-dist/swagger-ui.css" with { type: "file" };
import { Elysia, type AnyElysia } from "elysia";

import { devDependencies } from "../../package.json";
import { hasTrailingSlash } from "../http/request-path.ts";
import { fromFile, fromText, staticContent } from "../http/static-content.ts";
import redocStyle from "./redoc.css" with { type: "text" };
import redocPage from "./redoc.html" with { type: "text" };
import redocStart from "./redoc-start.js" with { type: "text" };
import swaggerPage from "./swagger.html" with { type: "text" };
import swaggerStart from "./swagger-start.js" with { type: "text" };

/** Both pages use inline styles, and ReDoc searches in a worker made from a blob. No other host is allowed. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
  "media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; worker-src blob:; child-src blob:; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** The vendors' files have their version in their names, so that browsers may cache them forever. */
const { "swagger-ui-dist": swaggerVersion, redoc: redocVersion } = devDependencies;

const page = (text: string) => ({
  type: "text/html; charset=utf-8",
  load: fromText(text.replaceAll("{{swagger}}", swaggerVersion).replaceAll("{{redoc}}", redocVersion)),
  immutable: false,
  headers: { "content-security-policy": policy },
});
const script = { type: "text/javascript; charset=utf-8", immutable: false };
const style = { type: "text/css; charset=utf-8", immutable: false };

/** Removes ReDoc's logo, which would be loaded from the vendor's host and reveal every visit. */
async function redocWithoutLogo(): Promise<Uint8Array<ArrayBuffer>> {
  const text = await Bun.file(redocScript).text();
  return fromText(text.replaceAll("https://cdn.redoc.ly/redoc/logo-mini.svg", "data:,"))();
}

const pages = {
  "/docs": page(swaggerPage as unknown as string),
  "/redoc": page(redocPage as unknown as string),
};

const assets = {
  [`/docs/swagger-ui-${swaggerVersion}.js`]: { ...script, load: fromFile(swaggerScript), immutable: true },
  [`/docs/swagger-ui-${swaggerVersion}.css`]: { ...style, load: fromFile(swaggerStyle), immutable: true },
  "/docs/start.js": { ...script, load: fromText(swaggerStart) },
  [`/redoc/redoc-${redocVersion}.js`]: { ...script, load: redocWithoutLogo, immutable: true },
  "/redoc/page.css": { ...style, load: fromText(redocStyle) },
  "/redoc/start.js": { ...script, load: fromText(redocStart) },
};

/** The pages use relative URLs so that they work below any path prefix; a trailing slash would break these URLs. */
const redirectTo = (location: string) => new Response(null, { status: 308, headers: { location } });

/** `GET /openapi.json`, and Swagger UI and ReDoc, which make no request to any other host. */
export const docsRoutes = (describedApp: () => AnyElysia) => {
  const document = staticContent({
    type: "application/json",
    async load() {
      const { openApiDocument } = await import("./document.ts");
      return fromText(JSON.stringify(await openApiDocument(describedApp())))();
    },
    immutable: false,
  });
  const app = new Elysia({ name: "docs", detail: { hide: true } }).get("/openapi.json", ({ request }) =>
    document(request),
  );
  for (const [path, content] of Object.entries(assets)) {
    const respond = staticContent(content);
    app.get(path, ({ request }) => respond(request));
  }
  for (const [path, content] of Object.entries(pages)) {
    const respond = staticContent(content);
    app.get(path, ({ request }) => (hasTrailingSlash(request) ? redirectTo(`..${path}`) : respond(request)));
  }
  return app;
};
