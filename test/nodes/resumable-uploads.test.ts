import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { jpegPhoto } from "../support/media-samples.ts";
import { freshDatabase, hasPostgres } from "../support/postgres.ts";
import { ServiceProcess } from "../support/process.ts";
import { frameOf, randomVideo } from "../support/random-video.ts";
import { postIdIn, TusRequests } from "../support/tus.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

describe.skipIf(!hasPostgres)("resumable uploads at two nodes with folders of their own", () => {
  const video = randomVideo(3_000_000);
  let folder: string;
  let a: ServiceProcess;
  let b: ServiceProcess;
  let token: string;
  let atA: TusRequests;
  let atB: TusRequests;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "image-sharing-nodes-"));
    const settings = {
      DATABASE_URL: await freshDatabase(),
      JWT_SECRET_KEY: "one secret that all the nodes know of",
      PUBLIC_URL: "https://photos.example.com",
      CORS_ORIGINS: "https://app.example.com",
      SWEEP_INTERVAL: "1",
    };
    [a, b] = ["a", "b"].map((name) => new ServiceProcess(join(folder, name), settings)) as [
      ServiceProcess,
      ServiceProcess,
    ];
    await Promise.all([a.start(), b.start()]);
    token = await a.signUp("ada@example.com");
    [atA, atB] = [new TusRequests(a, token), new TusRequests(b, token)];
  });
  afterAll(async () => {
    await Promise.all([a?.kill(), b?.kill()]);
    await rm(folder, { recursive: true, force: true });
  });

  const filesOf = async (name: string) =>
    (await readdir(join(folder, name, "uploads"))).filter((file) => file !== "folder-id");

  test("nodes: a request is forwarded to the node that has the bytes, and answered as there", async () => {
    const path = await atA.begin(video.length, { filename: "film.mp4", caption: "Two nodes" });
    expect((await atB.patch(path, 0, video.slice(0, 1_000_000))).headers.get("upload-offset")).toBe(
      "1000000",
    );
    expect((await atA.patch(path, 1_000_000, video.slice(1_000_000, 2_000_000))).status).toBe(204);
    expect([await filesOf("a"), await filesOf("b")]).toEqual([[path.slice("/uploads/".length)], []]);
    const origin = { origin: "https://app.example.com", "tus-resumable": "1.0.0" };
    const head = await b.fetch(path, { method: "HEAD", token, headers: origin });
    expect([head.headers.get("upload-offset"), head.headers.get("upload-length")]).toEqual([
      "2000000",
      String(video.length),
    ]);
    expect(head.headers.get("upload-metadata")).toContain("caption");
    expect(head.headers.get("access-control-expose-headers")).toContain("upload-offset");
    expect(head.headers.get("access-control-allow-origin")).toBe("https://app.example.com");
    const conflict = await atB.patch(path, 1, "x");
    expect([conflict.status, await conflict.json()]).toEqual([
      409,
      { detail: "Upload-Offset is not the offset of the upload" },
    ]);
    const overridden = { "tus-resumable": "1.0.0", "x-http-method-override": "HEAD" };
    const post = await b.fetch(path, { method: "POST", token, headers: overridden });
    expect(post.headers.get("upload-offset")).toBe("2000000");

    const poster = new Uint8Array(await jpegPhoto(64, 48));
    expect((await atB.thumbnail(path, poster)).status).toBe(204);
    const last = await atB.patch(path, 2_000_000, video.slice(2_000_000));
    const id = postIdIn(last);
    expect([last.status, last.headers.get("content-location")]).toEqual([
      204,
      `https://photos.example.com/posts/${id}`,
    ]);
    expect([postIdIn(await atA.head(path)), postIdIn(await atB.head(path))]).toEqual([id, id]);
    const { url, thumbnail_url } = (await (await b.fetch(`/posts/${id}`, { token })).json()) as {
      url: string;
      thumbnail_url: string | null;
    };
    expect(thumbnail_url).toBeString();
    const stored = await (await a.fetch(new URL(url).pathname)).bytes();
    expect(frameOf(stored).equals(frameOf(video))).toBeTrue();
    expect([await filesOf("a"), await filesOf("b")]).toEqual([[], []]);
  });

  test("nodes: an upload that is cut at one node goes on at the other, which ends the first request", async () => {
    const path = await atA.begin(video.length);
    const stalled = new ReadableStream({
      start: (controller) => controller.enqueue(video.slice(0, 600_000)),
    });
    const first = atB.patch(path, 0, stalled);
    const file = Bun.file(join(folder, "a", path));
    await until(async () => (await file.exists()) && (await file.stat()).size > 0);
    const offset = await atA.offset(path);
    expect(offset).toBe(600_000);
    expect((await first.catch(() => undefined))?.status ?? 423).toBe(423);
    expect((await atA.patch(path, offset, video.slice(offset))).status).toBe(204);
  });

  test("nodes: bytes of a deleted account are removed from the node that has them", async () => {
    const bob = await b.signUp("bob@example.com");
    const path = await new TusRequests(b, bob).begin(video.length);
    await new TusRequests(a, bob).patch(path, 0, video.slice(0, 10));
    expect(await filesOf("b")).toHaveLength(1);
    const body = JSON.stringify({ password: "correct horse battery" });
    const headers = { "content-type": "application/json" };
    expect((await a.fetch("/users/me", { method: "DELETE", token: bob, body, headers })).status).toBe(204);
    await until(async () => (await filesOf("b")).length === 0);
  });

  test("nodes: while the node that has the bytes is down, others answer 503, and later the upload goes on", async () => {
    const path = await atA.begin(video.length);
    await atB.patch(path, 0, video.slice(0, 1_000_000));
    await a.kill();
    const answer = await atB.patch(path, 1_000_000, video.slice(1_000_000));
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
    await a.start();
    const offset = await atB.offset(path);
    expect(offset).toBe(1_000_000);
    expect((await atB.patch(path, offset, video.slice(offset))).status).toBe(204);
  });
});
