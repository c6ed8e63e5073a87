import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { startFakeS3, type FakeS3 } from "../support/fake-s3.ts";
import { createRenditionRunner } from "../../src/rendition-jobs/runner.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

describe.each(["disk", "s3"])("media in the store %s", (store) => {
  let fake: FakeS3;
  let service: TestService;
  beforeAll(async () => {
    fake = await startFakeS3();
    const bucket = {
      S3_BUCKET: fake.bucket,
      S3_ENDPOINT: fake.url,
      S3_REGION: fake.region,
      S3_ACCESS_KEY_ID: fake.accessKeyId,
      S3_SECRET_ACCESS_KEY: fake.secretAccessKey,
    };
    service = await TestService.start(store === "s3" ? bucket : {});
  });
  afterAll(async () => {
    await service.close();
    await fake.close();
  });

  test("delivery: a file, its renditions and its redirects are 404 while the author's account is deactivated", async () => {
    const [ada, root] = [await service.signUp(), await service.signUp()];
    await service.promote(root);
    const upload = await service.upload(ada.token, new Blob([await jpegPhoto(2100, 350)]));
    const { id } = (await upload.json()) as { id: string };
    const post = async () =>
      (await (await service.fetch(`/posts/${id}`, { token: root.token })).json()) as Record<string, string>;
    const runner = createRenditionRunner(service.services);
    runner.start();
    await until(async () => !(await post())["processing"]).finally(() => runner.stop());
    const { url, thumbnail_url, display_url } = await post();
    const [file, thumbnail, display] = [url, thumbnail_url, display_url].map(
      (address) => new URL(address!).pathname,
    );
    expect(display).toEndWith(`${id}.display.webp`);
    const transformed = file!.replace("/media/", "/media/tr:w-100/");
    const statuses = async () => {
      const found = new Set<number>();
      for (const path of [file!, thumbnail!, display!, transformed])
        for (const method of ["GET", "HEAD", "GET"])
          found.add((await service.fetch(path, { method })).status);
      return [...found];
    };
    const setActive = (isActive: boolean) =>
      service.fetch(`/users/${ada.id}`, {
        method: "PATCH",
        json: { is_active: isActive },
        token: root.token,
      });
    const visible = [store === "s3" ? 302 : 200];
    expect(await statuses()).toEqual(visible);
    await setActive(false);
    expect(await statuses()).toEqual([404]);
    await setActive(true);
    expect(await statuses()).toEqual(visible);
  });
});
