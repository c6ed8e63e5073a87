import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import openapiTypescript, { astToString } from "openapi-typescript";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

/** Inside the project, so that the client finds its packages; ignored by git. */
const folder = join(import.meta.dir, `../../test-artifacts/client-${process.pid}`);
let service: TestService;
let server: Bun.Server<undefined>;
beforeAll(async () => {
  service = await TestService.start();
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: service.firstHandler });
  await mkdir(folder, { recursive: true });
});
afterAll(async () => {
  await server.stop(true);
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

/** The code of a client that uses the generated types. */
const tour = `
import createClient from "openapi-fetch";
import type { paths } from "./api";

const [address = "", photo = ""] = process.argv.slice(2);
const anybody = createClient<paths>({ baseUrl: address });
const email = "client@example.com";
const password = "correct horse battery";
function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(what);
  return value;
}
const form = (body: object) => { const data = new FormData(); for (const [name, value] of Object.entries(body)) data.set(name, value); return data; };

async function main(): Promise<void> {
  const user = must((await anybody.POST("/auth/register", { body: { email, password } })).data, "register");
  const login = await anybody.POST("/auth/jwt/login", {
    body: { username: email, password },
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  const token: string = must(login.data, "login").access_token;
  const client = createClient<paths>({ baseUrl: address, headers: { authorization: "Bearer " + token } });
  const file = new File([await Bun.file(photo).bytes()], "photo.png");
  const upload = await client.POST("/upload", { body: { file: file as unknown as string, caption: "hi" }, bodySerializer: form });
  const post = must(upload.data, "upload");
  const feed = must((await client.GET("/feed", { params: { query: { limit: 10 } } })).data, "feed");
  if (feed.posts[0]?.id !== post.id || post.user_id !== user.id) throw new Error("the feed lacks the post");
  must((await client.DELETE("/posts/{post_id}", { params: { path: { post_id: post.id } } })).data, "delete");
  const gone = await client.GET("/posts/{post_id}", { params: { path: { post_id: post.id } } });
  console.log(gone.response.status, gone.error);
}
void main();
`;

test("OpenAPI document: a generated client compiles and works end to end", async () => {
  const types = await openapiTypescript(new URL("/openapi.json", server.url));
  await Bun.write(join(folder, "api.d.ts"), astToString(types));
  await Bun.write(join(folder, "tour.ts"), tour);
  await Bun.write(join(folder, "photo.png"), await pngPhoto());
  await Bun.write(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        module: "preserve",
        target: "esnext",
        types: ["bun-types"],
        skipLibCheck: true,
      },
      include: ["tour.ts"],
    }),
  );
  const run = async (...command: string[]) => {
    const child = Bun.spawn([process.execPath, ...command], { cwd: folder, stdout: "pipe", stderr: "pipe" });
    const told = (await new Response(child.stdout).text()) + (await new Response(child.stderr).text());
    return [await child.exited, told.trim()];
  };
  const [status, told] = await run("check", "--no-script", "-p", "tsconfig.json");
  expect([status, status === 0 ? "" : told]).toEqual([0, ""]);
  const [ended, said] = await run("tour.ts", server.url.href.replace(/\/$/, ""), join(folder, "photo.png"));
  expect([ended, said]).toEqual([0, expect.stringContaining("404")]);
}, 60_000);
