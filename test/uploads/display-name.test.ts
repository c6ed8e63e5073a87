import { describe, expect, test } from "bun:test";

import { displayName } from "../../src/uploads/display-name.ts";
import { mediaTypes, type MediaType } from "../../src/media-types.ts";

describe("display name", () => {
  test.each<[string | undefined, MediaType, string]>([
    ["walk.jpg", "image/jpeg", "walk.jpg"],
    ["WALK.JPG", "image/jpeg", "WALK.JPG"],
    ["walk.JpEg", "image/jpeg", "walk.JpEg"],
    ["walk.jfif", "image/jpeg", "walk.jfif"],
    ["IMG_0001.HIF", "image/heic", "IMG_0001.HIF"],
    ["video.m4v", "video/mp4", "video.m4v"],
    ["video.mpeg", "video/mpeg", "video.mpeg"],
    ["video.qt", "video/quicktime", "video.qt"],
  ])("display name: %p of %s keeps an extension that fits", (given, type, shown) => {
    expect(displayName(given, type)).toBe(shown);
  });

  test.each<[string, MediaType, string]>([
    ["evil.html", "image/jpeg", "evil.html.jpg"],
    ["setup.exe", "image/png", "setup.exe.png"],
    ["walk.jpg.exe", "image/jpeg", "walk.jpg.exe.jpg"],
    ["walk", "image/webp", "walk.webp"],
    ["jpg", "image/jpeg", "jpg.jpg"],
    ["walk.xjpg", "image/jpeg", "walk.xjpg.jpg"],
    ["video.m\u212av", "video/matroska", "video.m\u212av.mkv"],
  ])("display name: %p of %s gets the right extension after its own", (given, type, shown) => {
    expect(displayName(given, type)).toBe(shown);
  });

  test.each<[string, MediaType, string]>([
    ["walk.png", "image/jpeg", "walk.jpg"],
    ["IMG_0001.HEIC", "image/jpeg", "IMG_0001.jpg"],
    ["waves.mkv", "image/webp", "waves.webp"],
    ["page.svg\0.jpg", "image/gif", "page.svg.gif"],
    [".jpg", "image/gif", "upload.gif"],
  ])("display name: %p of %s gets the right extension in place of its own", (given, type, shown) => {
    expect(displayName(given, type)).toBe(shown);
  });

  test.each([
    ["photo.exe. ", "photo.exe.jpg"],
    ["photo.exe...", "photo.exe.jpg"],
    ["photo.exe\u00a0.\u3000", "photo.exe.jpg"],
    ["photo. . .jpg", "photo.jpg"],
    ["photo.jpg. .", "photo.jpg"],
  ])("display name: %p has no dots and spaces that Windows drops", (given, shown) => {
    expect(displayName(given, "image/jpeg")).toBe(shown);
  });

  test.each([undefined, "", "  ", ".", "..", "....", ".jpg", " ..jpg", "folder/", "C:\\photos\\", "\u202e"])(
    "display name: %p becomes `upload` with the extension",
    (given) => {
      expect(displayName(given, "image/jpeg")).toBe("upload.jpg");
    },
  );

  test.each([
    [`${"a".repeat(300)}.jpeg`, `${"a".repeat(250)}.jpeg`],
    [`${"a".repeat(300)}.html`, `${"a".repeat(251)}.jpg`],
    ["å".repeat(200), `${"å".repeat(125)}.jpg`],
    ["🎉".repeat(100), `${"🎉".repeat(62)}.jpg`],
    [`${"a".repeat(200)}${" .".repeat(100)}`, `${"a".repeat(200)}.jpg`],
    [`a.${"b".repeat(300)}`, `a.${"b".repeat(249)}.jpg`],
  ])("display name: %p is shortened to 255 bytes and ends with the extension", (given, shown) => {
    expect(displayName(given, "image/jpeg")).toBe(shown);
    expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(255);
  });

  test("display name: does not change when computed again", () => {
    for (const given of ["walk.JPEG", "evil.html", "photo.exe. ", "🎉".repeat(100), "", ".jpg"]) {
      const once = displayName(given, "image/jpeg");
      expect(displayName(once, "image/jpeg")).toBe(once);
    }
  });

  test("display name: takes linear time for a long run of dots or spaces", () => {
    const start = process.cpuUsage();
    displayName(`${". ".repeat(500_000)}x`, "image/jpeg");
    displayName(`x${". ".repeat(500_000)}`, "image/jpeg");
    // Quadratic time would be minutes.
    expect(process.cpuUsage(start).user / 1_000_000).toBeLessThan(2);
  });

  test("display name: every extension belongs to one type", () => {
    const all = Object.values(mediaTypes).flatMap(({ extension, otherExtensions }) => [
      extension,
      ...otherExtensions,
    ]);
    expect(all).toEqual([...new Set(all)]);
  });
});
