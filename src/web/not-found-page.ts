import type { Config } from "../config/config.ts";
import { pathOf } from "../http/request-path.ts";
import { stylePath } from "./assets.ts";
import html from "./not-found.html" with { type: "text" };
import { textsIn } from "./page/texts/text.ts";
import { requestLanguage } from "./request-language.ts";
import { fill } from "./template.ts";

const policy =
  "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/** Returns the page that browsers get at an unknown address, in the language of the request. */
export function notFoundPage(request: Request, { siteName }: Pick<Config, "siteName">): Response {
  const language = requestLanguage(request.headers);
  const text = textsIn(language);
  // Relative to the address, so that it works below a path prefix that only the proxy knows.
  const depth = pathOf(request.url).split("/").length - 2;
  const page = fill(html as unknown as string, {
    language,
    siteName,
    title: text("notFound"),
    text: text("notFoundText"),
    link: text("toPhotos"),
    home: depth > 0 ? "../".repeat(depth) : "./",
    style: stylePath,
  });
  const headers = { "content-type": "text/html; charset=utf-8", "content-security-policy": policy };
  return new Response(page, { status: 404, headers });
}
