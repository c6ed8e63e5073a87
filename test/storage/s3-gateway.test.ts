import { test } from "bun:test";

import { S3Client } from "bun";

import { S3Store } from "../../src/storage/s3-store.ts";
import { sha256, storeContract } from "./store-contract.ts";

// Runs the store contract on a real gateway. TEST_S3_ENDPOINT, TEST_S3_BUCKET, TEST_S3_ACCESS_KEY_ID and
// TEST_S3_SECRET_ACCESS_KEY name an empty bucket.
const endpoint = process.env["TEST_S3_ENDPOINT"];
const account = {
  bucket: process.env["TEST_S3_BUCKET"] ?? "",
  region: "us-east-1",
  accessKeyId: process.env["TEST_S3_ACCESS_KEY_ID"] ?? "",
  secretAccessKey: process.env["TEST_S3_SECRET_ACCESS_KEY"] ?? "",
};

if (endpoint) {
  const client = new S3Client({ ...account, endpoint });
  storeContract("s3, on a real gateway,", async () => ({
    store: new S3Store({ ...account, endpoint, publicUrl: null }),
    async content() {
      const { contents = [] } = await client.list();
      const files = contents.map(async ({ key }) => [key, sha256(await client.file(key).bytes())] as const);
      return Object.fromEntries(await Promise.all(files));
    },
    async close() {
      for (const { key } of (await client.list()).contents ?? []) await client.delete(key);
    },
  }));
} else test.skip("S3 store: passes the contract on a real gateway (needs TEST_S3_ENDPOINT)", () => {});
