import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";

import { createApp } from "../../src/app.ts";
import { ApiError } from "../../src/errors.ts";
import { addBacklog } from "../../src/rendition-jobs/backlog.ts";
import { createRenditionRunner } from "../../src/rendition-jobs/runner.ts";
import { createHandler } from "../../src/request-handler.ts";
import type { Services } from "../../src/services.ts";
import type { MediaStore } from "../../src/storage/media-store.ts";
import { actor } from "../support/databases.ts";
import { startFakeS3, type FakeS3 } from "../support/fake-s3.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const photo = jpegPhoto(2100, 350);

describe.each(["disk", "s3"] as const)("renditions in the store %s", (storeName) => {
  let fake: FakeS3;
  let service: TestService;
  let user: { id: string; email: string; token: string };
  beforeAll(async () => {
    fake = await startFakeS3();
  });
  afterAll(() => fake.close());
  beforeEach(async () => {
    const bucket = {
      S3_BUCKET: fake.bucket,
      S3_ENDPOINT: fake.url,
      S3_REGION: fake.region,
      S3_ACCESS_KEY_ID: fake.accessKeyId,
      S3_SECRET_ACCESS_KEY: fake.secretAccessKey,
    };
    service = await TestService.start(storeName === "s3" ? bucket : {});
    user = await service.signUp();
  });
  afterEach(() => service.close());

  /** The ends of all stored keys. */
  const stored = async () =>
    (storeName === "s3" ? [...fake.objects.keys()] : await service.mediaFiles())
      .map((key) => key.slice(37))
      .sort();
  const unfinished = () => service.services.database.posts.countUnfinished();
  const upload = async () => {
    const answer = await service.upload(user.token, new Blob([await photo]));
    return (await answer.json()) as { id: string };
  };
  const isProcessing = async (id: string) => {
    const post = await (await service.fetch(`/posts/${id}`, { token: user.token })).json();
    return (post as { processing: boolean }).processing;
  };

  /** Uploads to a node whose store is changed. @returns the status of the answer */
  async function uploadWith(change: (store: MediaStore) => Partial<MediaStore>): Promise<number> {
    const { store } = service.services;
    const node: Services = { ...service.services, store: { ...store, ...change(store) } };
    const body = new FormData();
    body.set("file", new Blob([await photo]), "photo.jpg");
    const headers = { authorization: `Bearer ${user.token}` };
    const request = new Request("http://localhost/upload", { method: "POST", body, headers });
    return (await createHandler(createApp(node), node)(request)).status;
  }

  /** Makes the renditions of all posts while the store keeps earlier versions, and makes them anew twice. */
  async function makeThreeVersions(id: string): Promise<void> {
    const { services } = service;
    const storeNamed = (name: string): MediaStore => ({
      ...services.storeNamed(name)!,
      delete: () => Promise.reject(new ApiError("STORE_UNAVAILABLE")),
    });
    const runner = createRenditionRunner(
      { ...services, storeNamed },
      { pollMs: 20, renewalMs: 1000, retryMs: 1 },
    );
    runner.start();
    try {
      for (let version = 0; version < 3; version++) {
        if (version > 0) await addBacklog(services, true, new AbortController().signal);
        await until(async () => !(await isProcessing(id)));
      }
    } finally {
      await runner.stop();
    }
  }

  const allVersions = ["", "v1.", "v2."].flatMap((version) => [
    `${version}display.webp`,
    `${version}thumb.webp`,
  ]);

  test("sweep: deletes the renditions of every version of a deleted post", async () => {
    const { id } = await upload();
    await makeThreeVersions(id);
    expect(await stored()).toEqual([...allVersions, "jpg"].sort());
    const { database, sweeper } = service.services;
    // As a process leaves it that is killed between the two steps of a deletion.
    expect(await database.posts.startDeleting(actor(user.id), id, new Date())).toBeDefined();
    expect(await stored()).toHaveLength(7);
    await sweeper.sweep();
    expect(await stored()).toEqual([]);
    expect(await unfinished()).toEqual({ pending: 0, deleting: 0 });
  });

  test("delete: deletes the renditions of every version of a post", async () => {
    const { id } = await upload();
    await makeThreeVersions(id);
    await service.fetch(`/posts/${id}`, { method: "DELETE", token: user.token });
    expect(await stored()).toEqual([]);
    expect(await unfinished()).toEqual({ pending: 0, deleting: 0 });
  });

  test("delete: deleting an account deletes the renditions of every version of its posts", async () => {
    const { id } = await upload();
    await makeThreeVersions(id);
    const json = { password: "correct horse battery" };
    await service.fetch("/users/me", { method: "DELETE", token: user.token, json });
    await until(async () => {
      await service.services.sweeper.sweep();
      return (await stored()).length === 0;
    });
  });

  test("upload: one whose thumbnail the store rejects leaves neither its file nor its thumbnail", async () => {
    const status = await uploadWith((store) => ({
      async put(key, file, signal) {
        const result = await store.put(key, file, signal);
        // The store has the thumbnail, but says otherwise.
        if (key.endsWith(".thumb.webp")) throw new ApiError("STORE_FAILED");
        return result;
      },
    }));
    expect(status).toBe(502);
    await expectNothingStored();
  });

  test("upload: one that may not be published once it is stored leaves neither its file nor its thumbnail", async () => {
    const status = await uploadWith((store) => ({
      async put(key, file, signal) {
        const result = await store.put(key, file, signal);
        if (key.endsWith(".thumb.webp")) {
          expect(await stored()).toEqual(["jpg", "thumb.webp"]);
          await service.services.database.users.change("operator", user, { isActive: false });
        }
        return result;
      },
    }));
    expect(status).toBe(401);
    await expectNothingStored();
  });

  test("sweep: an upload whose process is killed before it is published leaves neither its file nor its thumbnail", async () => {
    const killed = Promise.withResolvers<void>();
    const end = Promise.withResolvers<never>();
    const uploading = uploadWith((store) => ({
      async put(key, file, signal) {
        const result = await store.put(key, file, signal);
        if (!key.endsWith(".thumb.webp")) return result;
        killed.resolve();
        return end.promise;
      },
    }));
    await killed.promise;
    expect(await unfinished()).toEqual({ pending: 1, deleting: 0 });
    expect(await stored()).toEqual(["jpg", "thumb.webp"]);
    // The process that sweeps does not know the upload.
    service.services.running.clear();
    await service.services.sweeper.sweep(0);
    await expectNothingStored();
    end.reject(new ApiError("STOPPING"));
    await uploading;
  });

  /** Expects that no file is left. The row stays while an upload may still reach a remote store. */
  async function expectNothingStored(): Promise<void> {
    expect(await stored()).toEqual([]);
    const { pending, deleting } = await unfinished();
    expect([pending, deleting]).toEqual([0, storeName === "s3" ? 1 : 0]);
  }
});
