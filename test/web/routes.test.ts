import { expect, test } from "bun:test";

import { webRoutes } from "../../src/web/routes.ts";

test("page: learns the minimum length of a password from PASSWORD_MIN_LENGTH", async () => {
  const app = webRoutes({ config: { passwordMinLength: 12, publicUrl: undefined, s3: undefined } });
  const page = await app.handle(new Request("http://localhost/"));
  expect(await page.text()).toContain('data-password-min-length="12"');
});
