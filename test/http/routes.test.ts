import { afterAll, beforeAll, expect, test } from "bun:test";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
/** For one Bun finds the routes, for the other Elysia. */
let servers: Bun.Server<undefined>[];
let tokens: (string | undefined)[];
/** What stands for each parameter of a path: something that there is. */
let present: Record<string, string>;

beforeAll(async () => {
  // Otherwise addresses in answers would follow the port that was asked.
  service = await TestService.start({ PUBLIC_URL: "https://photos.example.com" });
  const { fetch, routes } = service.handlers;
  servers = [{ fetch, routes }, { fetch }].map((handlers) =>
    Bun.serve({ port: 0, hostname: "127.0.0.1", development: false, ...handlers }),
  );
  const [user, superuser] = [await service.signUp(), await service.signUp()];
  await service.promote(superuser);
  tokens = [undefined, "forged", user.token, superuser.token];
  const uploaded = await service.upload(user.token, new Blob([await pngPhoto()]));
  const { id, url } = (await uploaded.json()) as { id: string; url: string };
  present = { ":id": user.id, ":post_id": id, ":key": url.slice(url.lastIndexOf("/") + 1) };
});
afterAll(async () => {
  for (const server of servers) await server.stop(true);
  await service.close();
});

/** All that a client gets to see, but what is another each time. */
async function ask(server: Bun.Server<undefined>, path: string, method: string, token: string | undefined) {
  const answer = await fetch(server.url.origin + path, {
    method,
    headers: { origin: "https://app.example.com", ...(token ? { authorization: `Bearer ${token}` } : {}) },
  });
  const { "x-request-id": id, date, ...headers } = Object.fromEntries(answer.headers);
  expect(id).toBeString();
  // Metrics count these very requests.
  return { status: answer.status, headers, body: path.startsWith("/metrics") || (await answer.text()) };
}

test("an answer is the same, whoever finds its route", async () => {
  for (const { method, path } of service.app.routes) {
    // Which ends the token that the next one is asked with.
    if (path === "/auth/jwt/logout") continue;
    const junk = ["nope", "%zz", "a%2fb", "%c3%28", "\u{1f408}"];
    const paths = junk.map((value) => path.replace(/:\w+|\*$/, value));
    if (method === "GET") paths.push(path.replace(/:\w+/, (name) => present[name]!));
    for (const plain of new Set(paths))
      for (const asked of [plain, `${plain}/`, `${plain}?limit=1`, `${plain}?limit=x&%zz`])
        for (const by of method === "GET" ? ["GET", "HEAD", "PUT", "OPTIONS"] : [method])
          for (const token of tokens) {
            const [bun, elysia] = await Promise.all(servers.map((server) => ask(server, asked, by, token)));
            expect([by, asked, bun]).toEqual([by, asked, elysia]);
          }
  }
});

test("Bun finds every route without a wildcard, and nobody is asked to look for it", async () => {
  const { routes } = service.handlers;
  const looked: string[] = [];
  const fetch = (request: Request) => {
    looked.push(`${request.method} ${request.url}`);
    return service.handlers.fetch(request);
  };
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", development: false, routes, fetch });
  try {
    for (const { method, path } of service.app.routes)
      if (!path.endsWith("*")) await ask(server, path, method, undefined);
    expect(looked).toEqual([]);
    await ask(server, "/nowhere", "GET", undefined);
    expect(looked).toEqual([`GET ${server.url.origin}/nowhere`]);
  } finally {
    await server.stop(true);
  }
});
