import { expect, test } from "bun:test";

import {
  imageKitLocation,
  imageKitPath,
  imageKitStoreId,
  imageKitUrl,
} from "../../src/storage/imagekit-location.ts";

const endpoint = "https://ik.imagekit.io/demo";
const key = "0190a1b2-0000-7000-8000-000000000000.png";

test("ImageKit location: a store id with a path leads to that file, with and without the file's id", () => {
  for (const fileId of ["5f1e8c9a0b1c2d3e4f5a6b7c", null])
    for (const path of ["/x_000001.png", "/folder/größe-1.png"])
      expect(imageKitLocation(key, imageKitStoreId({ fileId, path }))).toEqual({ fileId, path });
});

test("ImageKit location: any other store id is that of the file under the key", () => {
  for (const id of [null, "5f1e8c9a0b1c2d3e4f5a6b7c", "not-an-id/../x", 'a/" OR name="b', "a/b/./c", "a//b"])
    expect(imageKitLocation(key, id)).toEqual({ fileId: id, path: `/image-sharing/${key}` });
});

test("ImageKit location: a URL below the endpoint has a path, which leads back to it", () => {
  for (const path of ["/x.png", "/a/b/clip_1.mp4", "/größe.png"]) {
    const url = imageKitUrl(endpoint, path);
    expect(imageKitPath(endpoint, new URL(url))).toBe(path);
    expect(imageKitPath(`${endpoint}/`, new URL(`${url}?tr=w-1#x`))).toBe(path);
  }
});

test("ImageKit location: a URL elsewhere, or with characters that ImageKit does not use, has none", () => {
  for (const url of [
    "https://ik.imagekit.io/other/x.png",
    "https://ik.imagekit.io/demonstration/x.png",
    "https://ik.imagekit.io/demo",
    "https://ik.imagekit.io/demo/",
    "https://ik.imagekit.io/demo/../other/x.png",
    "https://ik.imagekit.io/demo/%2e%2e/other/x.png",
    "https://ik.imagekit.io/demo/a%2f..%2f..%2fother/x.png",
    "https://ik.imagekit.io/demo/a%2Fb.png",
    "https://ik.imagekit.io/demo//x.png",
    "https://ik.imagekit.io/demo/%22%20OR%20name=%22x",
    "https://ik.imagekit.io/demo/a b.png",
    "https://ik.imagekit.io/demo/%ff.png",
    "https://ik.imagekit.io.evil.example/demo/x.png",
    "https://ik.imagekit.io:444/demo/x.png",
    "http://169.254.169.254/demo/x.png",
    `https://ik.imagekit.io/demo/${"x".repeat(2000)}.png`,
  ])
    expect([url, imageKitPath(endpoint, new URL(url))]).toEqual([url, undefined]);
});
