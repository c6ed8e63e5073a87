import { expect } from "bun:test";

import { TextWriter, Uint8ArrayReader, Uint8ArrayWriter, ZipReader } from "@zip.js/zip.js";

/** Returns the files of a ZIP archive by name; JSON files as text. Checks every checksum. */
export async function unzip(bytes: Uint8Array): Promise<Map<string, string | Uint8Array>> {
  const files = new Map<string, string | Uint8Array>();
  const options = { checkSignature: true, useWebWorkers: false };
  for (const entry of await new ZipReader(new Uint8ArrayReader(bytes), options).getEntries()) {
    if (entry.directory) throw new Error("a folder");
    const isText = entry.filename.endsWith(".json");
    const content = await (isText ? entry.getData(new TextWriter()) : entry.getData(new Uint8ArrayWriter()));
    expect(files.has(entry.filename)).toBe(false);
    files.set(entry.filename, content);
  }
  return files;
}
