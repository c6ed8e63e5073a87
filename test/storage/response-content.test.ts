import { expect, test } from "bun:test";

import { responseContent } from "../../src/storage/response-content.ts";

test.each([
  ["has the length of the response", { "content-length": "7" }, 7],
  ["has no length when the response came in chunks", {}, null],
  [
    "has no length when fetch has decompressed the response",
    { "content-length": "7", "content-encoding": "gzip" },
    null,
  ],
])("response content: %s", (_, headers: Record<string, string>, bytes) => {
  expect(responseContent(new Response("picture", { headers }))?.bytes).toBe(bytes);
});
