import { bundledPage } from "./bundle.macro.ts" with { type: "macro" };
import { fromFile, fromText, type StaticContent } from "../http/static-content.ts";
import favicon from "./icons/favicon.ico" with { type: "file" };
import icon192 from "./icons/icon-192.png" with { type: "file" };
import icon512 from "./icons/icon-512.png" with { type: "file" };
import maskable from "./icons/maskable-512.png" with { type: "file" };
import icon from "./icon.svg" with { type: "text" };

const { script, style } = bundledPage();
const hash = (text: string) => Bun.hash(text).toString(36);

/** The page's script and style sheet. Their names change with their content, so that browsers may cache them forever. */
export const scriptPath = `assets/page-${hash(script)}.js`;
export const stylePath = `assets/page-${hash(style)}.css`;

const png = (file: string): StaticContent => ({ type: "image/png", load: fromFile(file), immutable: false });

/** The files of the page by their paths, which are relative to the page. */
export const assets: Readonly<Record<string, StaticContent>> = {
  [scriptPath]: { type: "text/javascript; charset=utf-8", load: fromText(script), immutable: true },
  [stylePath]: { type: "text/css; charset=utf-8", load: fromText(style), immutable: true },
  "assets/icon.svg": { type: "image/svg+xml", load: fromText(icon), immutable: false },
  "assets/icon-192.png": png(icon192),
  "assets/icon-512.png": png(icon512),
  "assets/maskable-512.png": png(maskable),
  "favicon.ico": { type: "image/x-icon", load: fromFile(favicon), immutable: false },
};
