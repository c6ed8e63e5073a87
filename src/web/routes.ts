import { Elysia } from "elysia";

import type { Config } from "../config.ts";
import { pathPrefixOf } from "../http/path-prefix.ts";
import { fromText, staticContent } from "../http/static-content.ts";
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

/**
 * The page at `/`. Scripts and styles come from here alone, and nothing may be written into the page; pictures may come
 * from wherever the configured store delivers them.
 */
export function webRoutes({ config }: { config: Pick<Config, "passwordMinLength" | "publicUrl" | "s3"> }) {
  const { passwordMinLength, publicUrl, s3 } = config;
  // Without TLS only where the operator named it.
  const named = [publicUrl, s3?.publicUrl ?? s3?.endpoint].flatMap((url) =>
    url ? [new URL(url).origin] : [],
  );
  const media = `'self' blob: https: ${named.join(" ")}`;
  // Relative, so that the page works below a prefix that is not known here; but where it is known, the page works at the
  // address without a slash at the end too.
  const prefix = pathPrefixOf(publicUrl);
  const base = prefix === "" ? "" : `${prefix}/`;
  const policy =
    `default-src 'none'; script-src 'self'; style-src 'self'; img-src ${media}; media-src ${media}; ` +
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
  const page = staticContent({
    type: "text/html; charset=utf-8",
    load: fromText(
      (html as unknown as string)
        .replaceAll("{{base}}", base)
        .replace("{{passwordMinLength}}", String(passwordMinLength))
        .replace("{{script}}", `${base}assets/${scriptName}`)
        .replace("{{style}}", `${base}assets/${styleName}`),
    ),
    immutable: false,
    headers: { "content-security-policy": policy },
  });
  const app = new Elysia({ name: "web", detail: { hide: true } }).get("/", ({ request }) => page(request));
  for (const [name, { type, text, immutable }] of Object.entries(assets)) {
    const asset = staticContent({ type, load: fromText(text), immutable });
    app.get(`/assets/${name}`, ({ request }) => asset(request));
  }
  return app;
}
