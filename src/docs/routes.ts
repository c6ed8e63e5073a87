import redocScript from "redoc/bundles/redoc.standalone.js" with { type: "file" };
import swaggerScript from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" };
import swaggerStyle from "swagger-ui-dist/swagger-ui.css" with { type: "file" };
import { Elysia, type AnyElysia } from "elysia";

import { fromFile, fromText, staticContent } from "../http/static-content.ts";
import { openApiDocument } from "./document.ts";
import redocStyle from "./redoc.css" with { type: "text" };
import redocPage from "./redoc.html" with { type: "text" };
import redocStart from "./redoc-start.js" with { type: "text" };
import swaggerPage from "./swagger.html" with { type: "text" };
import swaggerStart from "./swagger-start.js" with { type: "text" };

/** Both draw with styles of their own making, and ReDoc searches in a worker made from a blob. No other host. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
  "media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; worker-src blob:; child-src blob:; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const page = (text: string) => ({
  type: "text/html; charset=utf-8",
  load: fromText(text),
  immutable: false,
  headers: { "content-security-policy": policy },
});
const script = { type: "text/javascript; charset=utf-8", immutable: false };
const style = { type: "text/css; charset=utf-8", immutable: false };

/** ReDoc signs its page with a picture from its maker's host, which would learn of every visit. */
async function redocWithoutLogo(): Promise<Uint8Array<ArrayBuffer>> {
  const text = await Bun.file(redocScript).text();
  return fromText(text.replaceAll("https://cdn.redoc.ly/redoc/logo-mini.svg", "data:,"))();
}

const contents = {
  "/docs": page(swaggerPage as unknown as string),
  "/docs/swagger-ui.js": { ...script, load: fromFile(swaggerScript) },
  "/docs/swagger-ui.css": { ...style, load: fromFile(swaggerStyle) },
  "/docs/start.js": { ...script, load: fromText(swaggerStart) },
  "/redoc": page(redocPage as unknown as string),
  "/redoc/redoc.js": { ...script, load: redocWithoutLogo },
  "/redoc/page.css": { ...style, load: fromText(redocStyle) },
  "/redoc/start.js": { ...script, load: fromText(redocStart) },
};

/** `GET /openapi.json`, and two pages that show it, without a request to any other host. */
export const docsRoutes = (describedApp: () => AnyElysia) => {
  const document = staticContent({
    type: "application/json",
    load: async () => fromText(JSON.stringify(await openApiDocument(describedApp())))(),
    immutable: false,
  });
  const app = new Elysia({ name: "docs", detail: { hide: true } }).get("/openapi.json", ({ request }) =>
    document(request),
  );
  for (const [path, content] of Object.entries(contents)) {
    const answer = staticContent(content);
    app.get(path, ({ request }) => answer(request));
  }
  return app;
};
