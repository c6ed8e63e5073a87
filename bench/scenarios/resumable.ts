import { existsSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  against,
  atLeast,
  atMost,
  measureAlternately,
  median,
  megabytes,
  type Bench,
  type Figure,
} from "../bench.ts";
import { curl, uploadForm } from "../curl.ts";
import { writeVideo } from "../media-files.ts";
import { bearer } from "../wrk.ts";

const gigabyte = 1024 ** 3;
const chunks = [5, 64].map((mb) => ({ mb, bytes: mb * 1024 ** 2 }));

/**
 * Sends a video of 1 GB in chunks (tus), compared with a plain upload of the same file to the same service, and with the
 * same chunks to a program that only hashes, writes and flushes each.
 */
export async function resumable(bench: Bench): Promise<Figure[]> {
  const { dataDir, token } = await bench.seeded(1000);
  const file = join(bench.folder, "video.mp4");
  writeVideo(file, gigabyte);
  const service = await bench.service(dataDir);
  const bare = await bench.baseline("baseline-chunks.ts", "/", join(bench.folder, "bare"));
  const speed = (seconds: number) => megabytes(gigabyte) / seconds;
  const peaks = chunks.map((): number[] => []);
  const deletePost = (path: string) =>
    fetch(service.address + path, { method: "DELETE", headers: bearer(token) });

  const plain = async () => {
    const { seconds, answer } = await curl(`${service.address}/upload`, bearer(token), uploadForm(file));
    await deletePost(`/posts/${(JSON.parse(answer) as { id: string }).id}`);
    return speed(seconds);
  };
  const inChunks = chunks.map(({ bytes }, i) => async () => {
    service.forgetPeak();
    const { seconds, post } = await sendInChunks(service.address, bearer(token), file, bytes);
    peaks[i]!.push(megabytes(service.peak()));
    await deletePost(post);
    return speed(seconds);
  });
  const bareInChunks = chunks.map(
    ({ bytes }) =>
      async () =>
        speed((await sendInChunks(bare.address, {}, file, bytes)).seconds),
  );
  const rows = await measureAlternately(4, ...inChunks, ...bareInChunks, plain);
  await Promise.all([service.stop(), bare.stop()]);

  return chunks.flatMap(({ mb }, i) => {
    const againstPlain = against(rows.map((row) => [row[i]!, row.at(-1)!]));
    const againstBare = against(rows.map((row) => [row[i]!, row[chunks.length + i]!]));
    const peak = median(peaks[i]!);
    const what = `1 GB by ${mb} MB chunks`;
    return [
      {
        what: `${what}, against a plain upload`,
        unit: "MB/s",
        ...againstPlain,
        ...atLeast(0.8, againstPlain.ratio),
      },
      {
        what: `${what}, against a bare program`,
        unit: "MB/s",
        ...againstBare,
        ...atLeast(0.85, againstBare.ratio),
      },
      { what: `${what}, peak memory`, unit: "MB", service: peak, ...atMost(110, peak, "MB") },
    ];
  });
}

/** Sends the file as a resumable upload over one connection; the path of its post is in `post`. */
async function sendInChunks(
  address: string,
  headers: Record<string, string>,
  file: string,
  chunkBytes: number,
): Promise<{ seconds: number; post: string }> {
  const common = { ...headers, "tus-resumable": "1.0.0" };
  const created = await fetch(`${address}/uploads`, {
    method: "POST",
    headers: { ...common, "upload-length": String(gigabyte) },
  });
  const url = created.headers.get("location") ?? "";
  const type = { ...common, "content-type": "application/offset+octet-stream", expect: "" };
  const parts: string[][] = [];
  for (let offset = 0; offset < gigabyte; offset += chunkBytes) {
    const sent = Object.entries({ ...type, "upload-offset": String(offset) });
    const options = ["-sS", "--fail-with-body", "-o", "/dev/null", "-w", "%{time_total} %{http_code}\n"];
    const part = chunkOf(file, offset, Math.min(chunkBytes, gigabyte - offset));
    const named = sent.flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
    parts.push([...options, ...named, "-X", "PATCH", "-T", part, url]);
  }
  const child = Bun.spawn(["curl", ...parts.flatMap((part, i) => (i === 0 ? part : ["--next", ...part]))], {
    stderr: "inherit",
  });
  const lines = (await new Response(child.stdout).text()).trim().split("\n");
  if (!lines.every((line) => line.endsWith(" 204")))
    throw new Error(`PATCH on ${url} failed:\n${lines.at(-1)}`);
  const head = await fetch(url, { method: "HEAD", headers: common });
  return {
    seconds: lines.reduce((sum, line) => sum + Number(line.split(" ")[0]), 0),
    post: new URL(head.headers.get("content-location") ?? "").pathname,
  };
}

/** Returns a file with this part of the video: its beginning, or zeros, which a sparse file holds. */
function chunkOf(file: string, offset: number, bytes: number): string {
  const path = `${file}.${offset === 0 ? "start" : "zeros"}.${bytes}`;
  if (existsSync(path)) return path;
  if (offset === 0) Bun.spawnSync(["cp", "--sparse=always", file, path]);
  else writeFileSync(path, "");
  truncateSync(path, bytes);
  return path;
}
