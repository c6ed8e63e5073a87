// The minimum cost of an upload in chunks whose bytes must be on disk before each answer: hashes and writes the bodies one
// after the other to a file, and flushes it. No leases, no database, no type detection, no metadata removal.
// bun bench/baseline-chunks.ts PORT FOLDER
import { mkdirSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";

const [port = "0", folder = ""] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const path = join(folder, "upload");
let hash = new Bun.CryptoHasher("sha256");

Bun.serve({
  port: Number(port),
  development: false,
  maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  async fetch(request) {
    const headers = { location: request.url, "content-location": request.url };
    if (request.method === "POST") {
      await rm(path, { force: true });
      hash = new Bun.CryptoHasher("sha256");
    }
    if (request.method !== "PATCH" || !request.body) return new Response(null, { headers });
    const file = await open(path, "a");
    for await (const chunk of request.body) {
      hash.update(chunk);
      await file.write(chunk);
    }
    await file.datasync();
    await file.close();
    return new Response(null, { status: 204, headers });
  },
});
