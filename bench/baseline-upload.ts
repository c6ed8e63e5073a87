// The minimum cost of an upload: writes the raw body to a file and hashes it; `?thumbnail` also makes a WebP thumbnail.
// No multipart parsing, no type detection, no metadata removal, no fsync, no database.
// bun bench/baseline-upload.ts PORT FOLDER
import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";

const [port = "0", folder = ""] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });

Bun.serve({
  port: Number(port),
  development: false,
  maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  async fetch(request) {
    if (request.method !== "POST" || !request.body) return new Response(null, { status: 404 });
    const path = join(folder, crypto.randomUUID());
    const hash = new Bun.CryptoHasher("sha256");
    const file = Bun.file(path).writer({ highWaterMark: 1024 * 1024 });
    for await (const chunk of request.body) {
      hash.update(chunk);
      await file.write(chunk);
    }
    await file.end();
    if (request.url.endsWith("?thumbnail"))
      await Bun.write(
        `${path}.thumb`,
        await new Bun.Image(Bun.file(path)).resize(640, 640, { fit: "inside" }).webp({ quality: 80 }).bytes(),
      );
    await Promise.all([path, `${path}.thumb`].map((file) => rm(file, { force: true })));
    return Response.json({ sha256: hash.digest("hex") });
  },
});
