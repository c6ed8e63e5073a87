import { Elysia } from "elysia";

import type { Config } from "../config/config.ts";
import { pathPrefixOf } from "../http/path-prefix.ts";
import { fromText, staticContent } from "../http/static-content.ts";
import { pageSettings } from "./page-settings.ts";
import { bundledPage } from "./bundle.macro.ts" with { type: "macro" };
import icon from "./icon.svg" with { type: "text" };
import html from "./index.html" with { type: "text" };

const { script, style } = bundledPage();
const hash = (text: string) => Bun.hash(text).toString(36);

const assets = {
  [`page-${hash(script)}.js`]: { type: "text/javascript; charset=utf-8", text: script, immutable: true },
  [`page-${hash(style)}.css`]: { type: "text/css; charset=utf-8", text: style, immutable: true },
  "icon.svg": { type: "image/svg+xml", text: icon, immutable: false },
};
const [scriptName, styleName] = Object.keys(assets);

/** Replaces each `{{name}}` by its value, escaped. */
const fill = (template: string, values: Record<string, string>) =>
  template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => Bun.escapeHTML(values[name] ?? ""));

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
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
  const page = staticContent({
    type: "text/html; charset=utf-8",
    load: fromText(
      fill(html as unknown as string, {
        base,
        siteName: config.siteName,
        settings: JSON.stringify(pageSettings(config)),
        script: `${base}assets/${scriptName}`,
        style: `${base}assets/${styleName}`,
      }),
    ),
    immutable: false,
    headers: { "content-security-policy": policy },
  });
  const app = new Elysia({ name: "web", detail: { hide: true } }).get("/", ({ request }) => page(request));
  for (const [name, { type, text, immutable }] of Object.entries(assets)) {
    const respond = staticContent({ type, load: fromText(text), immutable });
    app.get(`/assets/${name}`, ({ request }) => respond(request));
  }
  return app;
}
