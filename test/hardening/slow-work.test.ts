import { afterAll, beforeAll, expect, test } from "bun:test";

import { createApp } from "../../src/app.ts";
import { limits } from "../../src/http/connections.ts";
import { createHandler } from "../../src/request-handler.ts";
import type { Services } from "../../src/services.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

/** Seconds after which Bun closes an idle connection. Its clock moves in steps of four. */
const idleSeconds = 5;
/** Longer than the idle timeout. */
const workMs = 10_000;

let service: TestService;
let server: Bun.Server<undefined>;
let token: string;
let photo: Blob;
let post: { id: string };
beforeAll(async () => {
  service = await TestService.start();
  ({ token } = await service.signUp("ada@example.com"));
  photo = new Blob([await pngPhoto()]);
  post = (await (await service.upload(token, photo)).json()) as typeof post;
  const services = slow(service.services);
  const fetch = createHandler(createApp(services), services);
  const options = { port: 0, hostname: "127.0.0.1", development: false, idleTimeout: idleSeconds };
  server = Bun.serve({ ...options, fetch });
  services.connections.listen(server, { ...limits, idleSeconds });
});
afterAll(async () => {
  await server.stop(true);
  await service.close();
});

/** The same services with a slow store and slow password hashing. */
function slow(services: Services): Services {
  const slowly =
    <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>, delayMs = workMs) =>
    async (...args: Args) => {
      await Bun.sleep(delayMs);
      return work(...args);
    };
  const { store, hashing } = services;
  const slowStore = {
    name: store.name,
    makesRenditions: store.makesRenditions,
    isPublic: store.isPublic,
    mayCompleteLate: store.mayCompleteLate,
    find: slowly(store.find.bind(store)),
    read: slowly(store.read.bind(store)),
    // One call for the photo and one for its thumbnail.
    put: slowly(store.put.bind(store), workMs / 2),
    delete: slowly(store.delete.bind(store), workMs / 2),
  };
  return {
    ...services,
    store: slowStore,
    storeNamed: () => slowStore,
    hashing: { ...hashing, verify: slowly(hashing.verify.bind(hashing)) },
  };
}

test("slow work: the connection stays open while the service handles its request, even if the client is idle", async () => {
  const headers = { authorization: `Bearer ${token}` };
  const form = new FormData();
  form.set("file", photo, "photo.png");
  const credentials = new URLSearchParams({ username: "ada@example.com", password: "correct horse battery" });
  const asked: [string, RequestInit][] = [
    ["/upload", { method: "POST", headers, body: form }],
    [`/posts/${post.id}`, { method: "DELETE", headers }],
    ["/auth/jwt/login", { method: "POST", body: credentials }],
  ];
  const answers = await Promise.all(
    asked.map(async ([path, init]) => {
      const started = performance.now();
      const { status } = await fetch(new URL(path, server.url), init);
      expect(performance.now() - started).toBeGreaterThan(workMs - 100);
      return [path, status];
    }),
  );
  expect(answers).toEqual(asked.map(([path]) => [path, 200]));
}, 40_000);
