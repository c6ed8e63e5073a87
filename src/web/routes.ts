import { Elysia } from "elysia";

import type { Config } from "../config/config.ts";
import { pathPrefixOf } from "../http/path-prefix.ts";
import { fromText, staticContent, type StaticContent } from "../http/static-content.ts";
import { assets, scriptPath, stylePath } from "./assets.ts";
import html from "./index.html" with { type: "text" };
import { manifest } from "./manifest.ts";
import { languageOf, languages, textsIn } from "./page/texts/text.ts";
import { pageSettings } from "./page-settings.ts";
import { requestLanguage } from "./request-language.ts";
import { serviceWorker } from "./worker-script.ts";
import { fill } from "./template.ts";

/**
 * Serves the page at `/` and its assets. The content security policy allows scripts and styles from this service only, and
 * media from the configured store.
 */
export function webRoutes({ config }: { config: Config }) {
  const { publicUrl, s3 } = config;
  // Hosts without TLS are allowed only if the operator configured them.
  const configuredOrigins = [publicUrl, s3?.publicUrl ?? s3?.endpoint].flatMap((url) =>
    url ? [new URL(url).origin] : [],
  );
  const media = `'self' blob: https: ${configuredOrigins.join(" ")}`;
  // URLs are relative, so that the page works below an unknown path prefix. If PUBLIC_URL names the prefix, the page also
  // works at the prefix without a trailing slash.
  const prefix = pathPrefixOf(publicUrl);
  const base = prefix === "" ? "" : `${prefix}/`;
  const policy =
    `default-src 'none'; script-src 'self'; style-src 'self'; img-src ${media}; media-src ${media}; ` +
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
  const pageIn = (language: string) => {
    const text = textsIn(language);
    return fill(html as unknown as string, {
      base,
      language,
      siteName: config.siteName,
      description: text("introduction"),
      settings: JSON.stringify(pageSettings(config)),
      script: base + scriptPath,
      style: base + stylePath,
      needsJavaScript: text("needsJavaScript"),
      apiDocumentation: text("apiDocumentation"),
    });
  };
  const pages = new Map(languages.map((language) => [language, pageIn(language)]));
  const responses = new Map(
    [...pages].map(([language, page]) => [
      language,
      staticContent({
        type: "text/html; charset=utf-8",
        load: fromText(page),
        immutable: false,
        headers: { "content-security-policy": policy },
        chosenBy: "accept-language",
      }),
    ]),
  );
  const files: Record<string, StaticContent> = {
    ...assets,
    "manifest.webmanifest": {
      type: "application/manifest+json",
      load: fromText(manifest(config.siteName)),
      immutable: false,
    },
    "offline.js": {
      type: "text/javascript; charset=utf-8",
      load: fromText(serviceWorker([...pages.values()])),
      immutable: false,
    },
  };
  const app = new Elysia({ name: "web", detail: { hide: true } }).get("/", ({ request }) =>
    responses.get(languageOf(requestLanguage(request.headers)))!(request),
  );
  for (const [path, content] of Object.entries(files)) {
    const respond = staticContent(content);
    app.get(`/${path}`, ({ request }) => respond(request));
  }
  return app;
}
