import { expect, test } from "bun:test";

import { TakeoutSidecars } from "../../src/folder-import/takeout-sidecars.ts";

const long = "a".repeat(42);

test.each([
  ["IMG_1.jpg", "IMG_1.jpg.json"],
  ["IMG_1.JPG", "IMG_1.JPG.supplemental-metadata.json"],
  ["IMG_1.jpg", "IMG_1.jpg.supplemental-meta.json"],
  ["IMG_1.jpg", "IMG_1.jpg.s.json"],
  ["IMG_1.jpg", "IMG_1.jpg..json"],
  ["IMG_1(1).jpg", "IMG_1.jpg(1).json"],
  ["IMG_1(1).jpg", "IMG_1(1).jpg.json"],
  ["IMG_1(12).jpg", "IMG_1.jpg.supplemental-metadata(12).json"],
  ["IMG_1(2).jpg", "IMG_1.jpg.supplement(2).json"],
  ["Summer.jpg", "Summer.supplemental-metadata.json"],
  ["IMG_1-edited.jpg", "IMG_1.jpg.json"],
  ["IMG_1-bearbeitet.jpg", "IMG_1.jpg.supplemental-metadata.json"],
  ["IMG_1-modifie\u0301.jpg", "IMG_1.jpg.json"],
  ["IMG_1-edited(1).jpg", "IMG_1.jpg(1).json"],
  // Names of more than 46 characters are cut, in the extension or before it.
  [`${long}.jpeg`, `${long}.jpe.json`],
  [`${long}bcdefgh.jpg`, `${long}bcde.json`],
  [`${long}bcdefgh(3).jpg`, `${long}bcde(3).json`],
  [`${long}bcde_P(1).jpg`, `${long}bcde.json`],
])("takeout: the JSON file of %s is %s", (photo, json) => {
  expect(new TakeoutSidecars([photo, json, "metadata.json", "other.jpg.json"]).of(photo)).toBe(json);
});

test.each([
  ["IMG_1.jpg", "IMG_2.jpg.json"],
  ["IMG_1(1).jpg", "IMG_1.jpg.json"],
  ["IMG_1.jpg", "IMG_1.jpg(1).json"],
  ["IMG_1(2).jpg", "IMG_1.jpg(1).json"],
  ["IMG_10.jpg", "IMG_1.jpg.json"],
  [`${long}bcdefgh(4).jpg`, `${long}bcde(3).json`],
  ["constructor", "other.json"],
])("takeout: the JSON file of %s is not %s", (photo, json) => {
  expect(new TakeoutSidecars([photo, json]).of(photo)).toBeUndefined();
});

test("takeout: the exact name wins over that of an edited or numbered one", () => {
  const sidecars = new TakeoutSidecars(["a.jpg.json", "a.jpg(1).json", "a-edited.jpg.json"]);
  expect(["a.jpg", "a(1).jpg", "a-edited.jpg"].map((name) => sidecars.of(name))).toEqual([
    "a.jpg.json",
    "a.jpg(1).json",
    "a-edited.jpg.json",
  ]);
});

test("takeout: the short video of a photo has the JSON file of the photo", () => {
  const sidecars = new TakeoutSidecars(["IMG_1.HEIC.supplemental-metadata.json", "IMG_1.HEIC(1).json"]);
  expect(sidecars.ofCompanion("IMG_1.MP4")).toBe("IMG_1.HEIC.supplemental-metadata.json");
  expect(sidecars.ofCompanion("IMG_1(1).MP4")).toBe("IMG_1.HEIC(1).json");
  expect(sidecars.ofCompanion("IMG_2.MP4")).toBeUndefined();
});
