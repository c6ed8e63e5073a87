import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readConfig } from "../../src/config/config.ts";
import { webRoutes } from "../../src/web/routes.ts";

const pageWith = async (environment: Record<string, string>) => {
  const app = webRoutes({ config: readConfig(environment) });
  return (await app.handle(new Request("http://localhost/"))).text();
};

/** Returns the settings in a page, as a browser reads them. */
async function settingsIn(page: string): Promise<unknown> {
  let settings = "";
  await new HTMLRewriter()
    .on("body", { element: (body) => void (settings = body.getAttribute("data-settings") ?? "") })
    .transform(new Response(page))
    .text();
  const escapes: Record<string, string> = { quot: '"', lt: "<", gt: ">", "#x27": "'", amp: "&" };
  return JSON.parse(settings.replace(/&([^;]+);/g, (_, name: string) => escapes[name]!));
}

test("page: learns the service's limits and who may register from the settings", async () => {
  const page = await pageWith({
    PASSWORD_MIN_LENGTH: "12",
    REGISTRATION: "invite",
    REQUIRE_VERIFIED_EMAIL: "true",
    MAX_IMAGE_SIZE: "3mb",
    MAX_VIDEO_SIZE: "4mb",
    USER_QUOTA: "1gb",
    FFMPEG: "off",
  });
  expect(await settingsIn(page)).toEqual({
    siteName: "Image Sharing",
    passwordLogin: true,
    passwordMinLength: 12,
    provider: null,
    registration: "invite",
    requireVerifiedEmail: true,
    maxImageSize: 3 * 1024 ** 2,
    maxVideoSize: 4 * 1024 ** 2,
    userQuota: 1024 ** 3,
    accepted: { transportStreams: false },
    sendsMail: false,
  });
});

test("page: learns from the settings whether mails are sent", async () => {
  const page = await pageWith({ MAIL_URL: "smtp://mail.example.com" });
  expect(await settingsIn(page)).toMatchObject({ sendsMail: true });
});

test("page: learns from the settings whether the service accepts what needs ffmpeg", async () => {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-page-"));
  try {
    for (const name of ["ffmpeg", "ffprobe"])
      await writeFile(join(folder, name), "#!/bin/sh\n", { mode: 0o755 });
    const page = await pageWith({ FFMPEG: join(folder, "ffmpeg") });
    expect(await settingsIn(page)).toMatchObject({ accepted: { transportStreams: true } });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("page: its HTML follows the browser's language, and caches keep the languages apart", async () => {
  const app = webRoutes({ config: readConfig({}) });
  const ask = (headers: Record<string, string>) => app.handle(new Request("http://localhost/", { headers }));
  const etags = new Set<string | null>();
  for (const [language, lang, texts] of [
    ["de-AT,de;q=0.9,en;q=0.8", "de", ["Teile Fotos und Videos", "Diese Seite braucht JavaScript"]],
    ["fr, en;q=0.5", "en", ["Share photos and videos", "This page needs JavaScript"]],
    ["", "en", ["Share photos and videos", "This page needs JavaScript"]],
  ] as const) {
    const answer = await ask({ "accept-language": language });
    const page = await answer.text();
    expect(page).toContain(`<html lang="${lang}">`);
    expect(page).toContain(`<meta name="description" content="${texts[0]}`);
    expect(page).toContain(texts[1]);
    expect(answer.headers.get("vary")).toBe("accept-encoding, accept-language");
    etags.add(answer.headers.get("etag"));
    const again = await ask({
      "accept-language": language,
      "if-none-match": answer.headers.get("etag")!,
    });
    expect([again.status, again.headers.get("vary")]).toEqual([304, "accept-encoding, accept-language"]);
  }
  expect(etags.size).toBe(2);
  const script = /"(assets\/page-[^"]+\.js)"/.exec(await (await ask({})).text())![1];
  const asset = await app.handle(new Request(`http://localhost/${script}`));
  expect(asset.headers.get("vary")).toBe("accept-encoding");
});

test("page: SITE_NAME is its title and heading, escaped", async () => {
  const name = `<b>Ann & Bob's</b> "$&" {{base}}`;
  const page = await pageWith({ SITE_NAME: name });
  const escaped = Bun.escapeHTML(name);
  expect(page).toContain(`<title>${escaped}</title>`);
  expect(page).toContain(`<span>${escaped}</span>`);
  expect(page).not.toContain("<b>");
  expect(await settingsIn(page)).toMatchObject({ siteName: name });
});

test("page: script and style together have at most 45 kB after gzip", async () => {
  const app = webRoutes({ config: readConfig({}) });
  const page = await (await app.handle(new Request("http://localhost/"))).text();
  const assets = [...page.matchAll(/"(assets\/page-[^"]+)"/g)].map(([, path]) => path);
  expect(assets).toHaveLength(2);
  let bytes = 0;
  for (const path of assets) {
    const asset = await app.handle(new Request(`http://localhost/${path}`));
    bytes += Bun.gzipSync(await asset.bytes()).length;
  }
  expect(bytes).toBeLessThan(45_000);
});
