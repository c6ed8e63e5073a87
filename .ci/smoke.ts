// Tests the compiled executable end to end in an empty folder: bun .ci/smoke.ts dist/image-sharing
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import type { LimitedJob } from "../src/concurrency/limited-program.ts";
import { databaseFile } from "../src/data-dir.ts";
import { avifPhoto, heicPhoto, mp4Video, pngPhoto } from "../test/support/media-samples.ts";

const executable = resolve(process.argv[2] ?? "dist/image-sharing");
const folder = await mkdtemp(join(tmpdir(), "image-sharing-smoke-"));
const port = 20_000 + Math.floor(Math.random() * 12_000);
const address = `http://127.0.0.1:${port}`;
const env: Record<string, string> = { PORT: String(port), HOST: "127.0.0.1", PUBLIC_URL: address };
const service = Bun.spawn([executable], {
  cwd: folder,
  env,
  stdout: "pipe",
  stderr: "inherit",
});

function assert(condition: unknown, behaviour: string): asserts condition {
  if (!condition) throw new Error(behaviour);
  console.log(`ok ${behaviour}`);
}

/** Runs a command of the executable, which must exit with status 0, and returns its output. */
function run(...args: string[]): string {
  const { stdout, exitCode } = Bun.spawnSync([executable, ...args], { cwd: folder, env, stderr: "inherit" });
  assert(exitCode === 0, `runs ${args.join(" ")}`);
  return stdout.toString();
}

async function send<T>(
  method: string,
  path: string,
  token?: string,
  body?: BodyInit,
): Promise<{ status: number; body: T }> {
  const answer = await fetch(address + path, {
    method,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(typeof body === "string" ? { "content-type": "application/json" } : {}),
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  return { status: answer.status, body: (text && text.startsWith("{") ? JSON.parse(text) : text) as T };
}

try {
  if (process.platform === "linux") {
    const limits = {
      processorSeconds: 10,
      clockSeconds: 60,
      memoryBytes: 2 ** 30,
      fileBytes: 0,
      niceness: 15,
    };
    const job: LimitedJob = { command: ["/bin/echo", "limited"], limits, parent: process.pid };
    assert(run("limited", JSON.stringify(job)) === "limited\n", "runs a program with limits");
  }
  for (let tries = 0; tries < 100; tries++) {
    if (
      await fetch(`${address}/health`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      break;
    await Bun.sleep(50);
  }
  assert((await send("GET", "/health")).status === 200, "starts in an empty folder");
  const account = { email: "ada@example.com", password: "correct horse battery" };
  assert(
    (await send("POST", "/auth/register", undefined, JSON.stringify(account))).status === 201,
    "registers",
  );
  const login = await send<{ access_token: string }>(
    "POST",
    "/auth/jwt/login",
    undefined,
    new URLSearchParams({ username: account.email, password: account.password }),
  );
  assert(login.status === 200, "logs in");
  const token = login.body.access_token;

  const posts: { id: string; url: string; thumbnail_url: string | null }[] = [];
  for (const [name, bytes] of [
    ["photo.png", await pngPhoto()],
    ["photo.heic", heicPhoto()],
    ["photo.avif", avifPhoto()],
    ["video.mp4", mp4Video()],
  ] as const) {
    const form = new FormData();
    form.set("file", new Blob([bytes]), name);
    form.set("caption", name);
    const upload = await send<(typeof posts)[number]>("POST", "/upload", token, form);
    assert(upload.status === 200, `uploads ${name}`);
    posts.push(upload.body);
  }
  const feed = await send<{ posts: { id: string }[] }>("GET", "/feed", token);
  assert(
    feed.body.posts.length === posts.length && feed.body.posts[0]?.id === posts.at(-1)?.id,
    "shows all in the feed, newest first",
  );
  for (const { url, thumbnail_url } of posts.slice(0, 3))
    assert(
      (await new Bun.Image(await (await fetch(thumbnail_url!)).bytes()).metadata()).format === "webp",
      `makes a thumbnail of ${url.split(".").at(-1)}`,
    );
  assert((await fetch(posts[0]!.url)).ok, "delivers the bytes");
  assert((await send("DELETE", `/posts/${posts[0]!.id}`, token)).status === 200, "deletes a post");
  assert((await fetch(posts[0]!.url)).status === 404, "deletes its file");
  for (const path of ["/", "/docs", "/redoc", "/openapi.json"])
    assert((await send("GET", path)).status === 200, `answers ${path}`);
  assert((await send("GET", "/metrics")).status === 200, "serves metrics to this machine");
  run("health");
  assert(/^\d+\.\d+\.\d+/.test(run("--version")), "prints its version");
  assert(run("--licenses").includes("elysia"), "prints the licences");
  run("superuser", account.email);
  run("backup", "backup.tar");
  env["DATA_DIR"] = join(folder, "restored");
  run("restore", "backup.tar");
  assert((await readdir(env["DATA_DIR"])).includes(databaseFile), "restores its backup");
  for (const name of ["backup.tar", "restored"]) await rm(join(folder, name), { recursive: true });

  assert((await send("POST", "/auth/jwt/logout", token)).status === 204, "logs out");
  assert((await send("GET", "/users/me", token)).status === 401, "rejects the revoked token");
  assert((await readdir(folder)).join() === "data", "leaves nothing outside its data folder");
  service.kill("SIGTERM");
  assert((await service.exited) === 0, "shuts down on SIGTERM");
} finally {
  service.kill("SIGKILL");
  await service.exited;
  await rm(folder, { recursive: true, force: true });
}
