import { dirname, join, normalize } from "node:path";

import { Glob } from "bun";
import { expect, test } from "bun:test";

const source = join(import.meta.dir, "../src");

/** From the top down: a file imports from its own layer and from those below it. A name is a folder or a file of `src`. */
const layers = [
  ["main"],
  ["commands", "build"],
  ["request-handler", "app", "services"],
  ["posts", "delivery", "web", "folder-import", "importing"],
  ["media-moves"],
  ["rendition-jobs"],
  ["uploads"],
  ["accounts"],
  ["renditions"],
  ["metadata"],
  ["storage", "database", "mail", "backup"],
  ["openapi", "observability", "colour"],
  ["http"],
  ["concurrency"],
  [
    "config",
    "data-dir",
    "disk-errors",
    "errors",
    "file-extension",
    "limits",
    "media-types",
    "printable",
    "readable-size",
    "version",
  ],
];

interface Import {
  readonly from: string;
  readonly to: string;
}

/** Every import of one file of `src` by another; paths are relative to `src`. */
async function imports(): Promise<Import[]> {
  const found: Import[] = [];
  for await (const from of new Glob("**/*.ts").scan({ cwd: source })) {
    const text = await Bun.file(join(source, from)).text();
    for (const [, path = ""] of text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+\.ts)"/g))
      found.push({ from, to: normalize(join(dirname(from), path)) });
  }
  return found;
}

const place = (path: string) => (path.split("/")[0] ?? "").replace(/\.ts$/, "");
const layerOf = (path: string) => layers.findIndex((layer) => layer.includes(place(path)));

test("imports: every folder and file of src has a layer", async () => {
  const places = new Set((await Array.fromAsync(new Glob("**/*.ts").scan({ cwd: source }))).map(place));
  expect([...places].sort()).toEqual(layers.flat().sort());
});

test("imports: none goes from a lower layer to a higher one", async () => {
  const upward = (await imports()).filter(({ from, to }) => layerOf(from) > layerOf(to));
  expect(upward).toEqual([]);
});

test("imports: folders of one layer do not import each other in a circle, nor do files", async () => {
  const all = await imports();
  expect(circle(all)).toBeUndefined();
  const folders = all
    .map(({ from, to }) => ({ from: place(from), to: place(to) }))
    .filter(({ from, to }) => from !== to);
  expect(circle(folders)).toBeUndefined();
});

test("imports: no feature imports the routes of another", async () => {
  const routes = (await imports()).filter(
    ({ from, to }) => from.includes("/") && to.endsWith("routes.ts") && place(from) !== place(to),
  );
  expect(routes).toEqual([]);
});

/** @returns the names along one circle, or undefined when there is none */
function circle(edges: readonly Import[]): string[] | undefined {
  const next = Map.groupBy(edges, ({ from }) => from);
  const finished = new Set<string>();
  function visit(name: string, path: string[]): string[] | undefined {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (finished.has(name)) return undefined;
    for (const { to } of next.get(name) ?? []) {
      const found = visit(to, [...path, name]);
      if (found) return found;
    }
    finished.add(name);
    return undefined;
  }
  for (const name of next.keys()) {
    const found = visit(name, []);
    if (found) return found;
  }
  return undefined;
}
