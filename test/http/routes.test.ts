import { afterAll, beforeAll, expect, test } from "bun:test";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
let server: Bun.Server<undefined>;
let tokens: (string | undefined)[];
/** An existing value for each path parameter. */
let present: Record<string, string>;

beforeAll(async () => {
  service = await TestService.start();
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    development: false,
    fetch: service.firstHandler,
  });
  const [user, superuser] = [await service.signUp(), await service.signUp()];
  await service.promote(superuser);
  tokens = [undefined, "forged", user.token, superuser.token];
  const uploaded = await service.upload(user.token, new Blob([await pngPhoto()]));
  const { id, url } = (await uploaded.json()) as { id: string; url: string };
  present = { ":id": user.id, ":post_id": id, ":key": url.slice(url.lastIndexOf("/") + 1) };
});
afterAll(async () => {
  await server.stop(true);
  await service.close();
});

const statusOf = async (path: string, method: string, token: string | undefined) => {
  const headers = { origin: "https://app.example.com", ...(token && { authorization: `Bearer ${token}` }) };
  const response = await fetch(server.url.origin + path, { method, headers });
  await response.bytes();
  return response.status;
};

test("routes: no path parameter, query or trailing slash causes a server error", async () => {
  for (const { method, path } of service.app.routes) {
    // A logout would revoke the token of the following requests.
    if (path === "/auth/jwt/logout") continue;
    const junk = ["nope", "%zz", "a%2fb", "%c3%28", "\u{1f408}"];
    const paths = junk.map((value) => path.replace(/:\w+|\*$/, value));
    if (method === "GET") paths.push(path.replace(/:\w+/, (name) => present[name]!));
    for (const plain of new Set(paths))
      for (const asked of [plain, `${plain}/`, `${plain}?limit=1`, `${plain}?limit=x&%zz`])
        for (const by of method === "GET" ? ["GET", "HEAD", "PUT", "OPTIONS"] : [method])
          for (const token of tokens) {
            const status = await statusOf(asked, by, token);
            expect([by, asked, status, status < 500]).toEqual([by, asked, status, true]);
          }
  }
});
