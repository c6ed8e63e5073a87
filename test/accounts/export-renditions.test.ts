import { afterEach, expect, setDefaultTimeout, test } from "bun:test";

import { createExports, type ExportServices } from "../../src/accounts/export.ts";
import { addBacklog } from "../../src/rendition-jobs/backlog.ts";
import { createRenditionRunner } from "../../src/rendition-jobs/runner.ts";
import { startFakeImageKit } from "../support/fake-imagekit.ts";
import { startFakeS3 } from "../support/fake-s3.ts";
import { jpegPhoto, mp4Video } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { unzip } from "../support/unzip.ts";

setDefaultTimeout(60_000);

interface Shared {
  id: string;
  thumbnail_url: string;
  display_url: string;
  created_at: string;
  processing: boolean;
}
interface Listed {
  id: string;
  media: string;
  thumbnail: string | null;
  display: string | null;
  duration_seconds: number | null;
}

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A service with an account that has shared a photo whose renditions are made, and a video with a poster. */
async function shared(environment: Record<string, string> = {}) {
  const service = await TestService.start({ FFMPEG: "off", ...environment });
  ends.push(() => service.close());
  const user = await service.signUp();
  const { token } = user;
  const read = async (id: string) =>
    (await (await service.fetch(`/posts/${id}`, { token })).json()) as Shared;
  const upload = async (file: Blob, name: string, thumbnail?: Blob) => {
    const body = new FormData();
    body.set("file", file, name);
    if (thumbnail) body.set("thumbnail", thumbnail);
    return (await (await service.fetch("/upload", { method: "POST", body, token })).json()) as Shared;
  };
  const runner = createRenditionRunner(service.services, { pollMs: 20, renewalMs: 20, retryMs: 1 });
  ends.push(() => runner.stop());
  runner.start();
  const large = new Blob([await jpegPhoto(2100, 350)]);
  const video = await upload(new Blob([mp4Video()]), "waves.mp4", new Blob([await jpegPhoto()]));
  const { id } = await upload(large, "snow.jpg");
  await until(async () => !(await read(id)).processing);
  const photo = await read(id);
  const name = (post: Shared) =>
    `${post.created_at.slice(0, 10)}_${post === photo ? "snow" : "waves"}_${post.id}`;
  return {
    ...{ service, token, read, photo, video, name },
    bytesAt: async (url: string) => (await fetchMedia(service, url)).bytes(),
    archive: async () => unzip(await (await service.fetch("/users/me/export", { token })).bytes()),
    /** An export whose services are changed. */
    async exportWith(changes: Partial<ExportServices>) {
      const exports = createExports({ ...service.services, ...changes });
      const account = (await service.services.database.users.byId(user.id))!;
      const stream = await exports.start(account, "203.0.113.9", new AbortController().signal);
      return unzip(await new Response(stream).bytes());
    },
    /** Makes the renditions of the photo anew. */
    async makeAnew() {
      await addBacklog(service.services, true, new AbortController().signal);
      runner.wake();
      await until(async () => (await read(id)).display_url !== photo.display_url);
    },
  };
}

/** Fetches a file of the service, also by way of a redirect to the store. */
async function fetchMedia(service: TestService, url: string): Promise<Response> {
  const answer = await service.fetch(new URL(url).pathname);
  return answer.status === 302 ? fetch(answer.headers.get("location")!) : answer;
}

const postsOf = (files: Map<string, unknown>) => JSON.parse(files.get("posts.json") as string) as Listed[];
const under = (folder: string, files: Map<string, unknown>) =>
  [...files.keys()].filter((name) => name.startsWith(`${folder}/`));

async function expectRenditions({
  archive,
  bytesAt,
  video,
  name,
  photo,
}: Awaited<ReturnType<typeof shared>>) {
  const files = await archive();
  expect(under("renditions", files)).toEqual([
    `renditions/${name(photo)}.thumb.webp`,
    `renditions/${name(photo)}.display.webp`,
    `renditions/${name(video)}.thumb.webp`,
  ]);
  for (const [end, url] of [
    ["thumb.webp", photo.thumbnail_url],
    ["display.webp", photo.display_url],
  ])
    expect(files.get(`renditions/${name(photo)}.${end}`)).toEqual(await bytesAt(url!));
  expect(postsOf(files)).toMatchObject([
    {
      id: photo.id,
      media: `media/${name(photo)}.jpg`,
      thumbnail: `renditions/${name(photo)}.thumb.webp`,
      display: `renditions/${name(photo)}.display.webp`,
      duration_seconds: null,
    },
    {
      id: video.id,
      media: `media/${name(video)}.mp4`,
      thumbnail: `renditions/${name(video)}.thumb.webp`,
      display: null,
      duration_seconds: expect.any(Number),
    },
  ]);
}

test("exports: contain thumbnails, posters and display sizes, named in posts.json", async () => {
  await expectRenditions(await shared());
});

test("exports: contain renditions in a bucket", async () => {
  const fake = await startFakeS3();
  ends.push(() => fake.close());
  await expectRenditions(
    await shared({
      S3_BUCKET: fake.bucket,
      S3_ENDPOINT: fake.url,
      S3_REGION: fake.region,
      S3_ACCESS_KEY_ID: fake.accessKeyId,
      S3_SECRET_ACCESS_KEY: fake.secretAccessKey,
    }),
  );
});

test("exports: contain no renditions of files in ImageKit, which makes them on request", async () => {
  const fake = await startFakeImageKit();
  ends.push(() => fake.close());
  const { archive } = await shared({
    IMAGEKIT_PUBLIC_KEY: "public_test",
    IMAGEKIT_PRIVATE_KEY: fake.privateKey,
    IMAGEKIT_URL_ENDPOINT: fake.deliveryUrl,
    IMAGE_KIT_BASE_URL: fake.url,
  });
  const files = await archive();
  expect(under("media", files)).toHaveLength(2);
  expect(under("renditions", files)).toEqual([]);
  for (const { thumbnail, display } of postsOf(files)) expect([thumbnail, display]).toEqual([null, null]);
});

test("exports: renditions that are made anew before their post is read keep the names that posts.json tells", async () => {
  const { service, exportWith, makeAnew, read, photo, name, bytesAt } = await shared();
  const { database } = service.services;
  let pages = 0;
  const page: typeof database.exportedPosts.page = async (...args) => {
    // After the pages of posts.json.
    if (++pages === 3) await makeAnew();
    return database.exportedPosts.page(...args);
  };
  const files = await exportWith({ database: { ...database, exportedPosts: { page } } });
  const { display_url } = await read(photo.id);
  expect(display_url).toEndWith(".v1.display.webp");
  const [listed] = postsOf(files);
  expect(listed!.display).toBe(`renditions/${name(photo)}.display.webp`);
  expect(files.get(listed!.display!)).toEqual(await bytesAt(display_url));
});

test("exports: leave out renditions that are replaced after their post was read, and go on", async () => {
  const { service, exportWith, makeAnew, photo, video, name } = await shared();
  const { disk, storeNamed } = service.services;
  const files = await exportWith({
    storeNamed: (of) => ({
      ...storeNamed(of)!,
      async read(key, signal) {
        if (key === `${photo.id}.jpg`) {
          await makeAnew();
          await until(async () => !(await disk.find(`${photo.id}.display.webp`, signal)));
        }
        return disk.read(key, signal);
      },
    }),
  });
  expect(under("media", files)).toEqual([`media/${name(photo)}.jpg`, `media/${name(video)}.mp4`]);
  expect(under("renditions", files)).toEqual([`renditions/${name(video)}.thumb.webp`]);
  expect(service.logged.filter((line) => line.includes('"export.media_missing"'))).toHaveLength(2);
});
