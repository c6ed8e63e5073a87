import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { TestService } from "../support/service.ts";

describe("page: unknown addresses", () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start({ SITE_NAME: "Ann & Bob" });
  });
  afterAll(() => service.close());

  const browserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
  const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
    service.handler(new Request(`http://localhost${path}`, { method, headers }));

  test("page: a browser at an unknown address gets a page with a link home, with status 404", async () => {
    const answer = await ask("/nothing", { accept: browserAccept });
    expect(answer.status).toBe(404);
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const page = await answer.text();
    expect(page).toContain("<title>Ann &amp; Bob – Page not found</title>");
    expect(page).toContain('<a href="./">Go to the photos</a>');
  });

  test("page: the links of the page for unknown addresses lead to the service's root from every depth", async () => {
    for (const path of ["/a", "/a/", "/a/b", "/a/b/c.html", "/a//b", "/%22%3E/x"]) {
      const page = await (await ask(path, { accept: browserAccept })).text();
      const links = [...page.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, link]) => link!);
      expect(links).toHaveLength(5);
      const base = `http://localhost/photos${path}`;
      for (const link of links) expect(new URL(link, base).pathname).toMatch(/^\/photos\/(assets\/|$)/);
      const [style] = links.filter((link) => link.endsWith(".css"));
      expect((await ask(new URL(style!, `http://localhost${path}`).pathname)).status).toBe(200);
    }
  });

  test("page: the page for unknown addresses follows the browser's language", async () => {
    const page = async (language: string) =>
      (await ask("/nothing", { accept: browserAccept, "accept-language": language })).text();
    expect(await page("de-AT,de;q=0.9,en;q=0.8")).toContain('<html lang="de-AT">');
    expect(await page("de-AT,de;q=0.9,en;q=0.8")).toContain("Seite nicht gefunden");
    expect(await page("fr")).toContain("Page not found");
    expect(await page("de;q=0.1,en;q=0.9")).toContain("Page not found");
    expect(await page("fr;q=0.9, de-CH; q=0.5, en;q=0.4")).toContain('<html lang="de-CH">');
    expect(await page("de;q=0,fr")).toContain("Page not found");
    expect(await page('"><script>, de')).not.toContain("<script>");
  });

  test("page: the page for unknown addresses is shown to a browser whose language is none", async () => {
    const long = `de${Array.from({ length: 300 }, (_, i) => `-${10_000 + i}`).join("")}`;
    for (const language of ["de-12", "de-1996-1996", long]) {
      const headers = { accept: browserAccept, "accept-language": `${language}, de-AT` };
      const answer = await ask("/nothing", headers);
      expect([answer.status, await answer.text()]).toEqual([404, expect.stringContaining('lang="de-AT"')]);
    }
  });

  test("page: clients of the API get a 404 as JSON at an unknown address", async () => {
    const accepted = [
      undefined,
      "*/*",
      "application/json",
      "application/json, text/html;q=0.1",
      "text/html, application/problem+json",
      "text/html;q=0, */*",
      "text/html ; q=0.000",
    ];
    for (const accept of accepted) {
      const answer = await ask("/nothing", accept === undefined ? {} : { accept });
      expect([answer.status, await answer.text()]).toEqual([404, '{"detail":"Not Found"}']);
    }
    const posted = await ask("/nothing", { accept: browserAccept }, "POST");
    expect([posted.status, await posted.text()]).toEqual([404, '{"detail":"Not Found"}']);
  });

  test("page: a route of the API answers browsers as JSON", async () => {
    const wrongMethod = await ask("/upload", { accept: browserAccept });
    expect([wrongMethod.status, wrongMethod.headers.get("allow")]).toEqual([405, "POST"]);
    const missing = await ask(`/posts/${crypto.randomUUID()}`, { accept: browserAccept });
    expect([missing.status, await missing.text()]).toEqual([401, '{"detail":"Unauthorized"}']);
  });
});
