import { expect, test } from "bun:test";

import { dateInName } from "../../src/folder-import/date-in-name.ts";
import { isPhotoDetails, readPhotoDetails } from "../../src/folder-import/icloud-details.ts";
import { readTakeoutMetadata } from "../../src/folder-import/takeout-metadata.ts";
import { maxCaptionLength } from "../../src/limits.ts";

const taken = { timestamp: "1530700800", formatted: "Jul 4, 2018, 10:40:00 AM UTC" };

test("takeout metadata: gives the description and the time at which a photo was taken", () => {
  const json = JSON.stringify({ title: "a.jpg", description: " At the lake\n", photoTakenTime: taken });
  expect(readTakeoutMetadata(`\uFEFF${json}`)).toEqual({
    takenAt: Date.UTC(2018, 6, 4, 10, 40),
    caption: "At the lake",
    isDeleted: false,
  });
});

test("takeout metadata: tells which photos are in the waste basket", () => {
  expect(readTakeoutMetadata(JSON.stringify({ photoTakenTime: taken, trashed: true }))?.isDeleted).toBeTrue();
});

test("takeout metadata: shortens a caption that is too long, and removes what no text may contain", () => {
  const description = `\0${"🏔️".repeat(3000)}`;
  const caption = readTakeoutMetadata(JSON.stringify({ description }))?.caption ?? "";
  expect([...caption]).toHaveLength(maxCaptionLength);
  expect(readTakeoutMetadata('{"description":"a\\ud800b\\u0000"}')?.caption).toBe("a\uFFFDb");
});

test.each([
  '{"title":"An album","date":{"timestamp":"1"}}',
  "[]",
  "null",
  '"text"',
  "",
  "{",
  '{"description":7,"photoTakenTime":7}',
])("takeout metadata: %s describes no photo", (json) => {
  expect(readTakeoutMetadata(json)).toBeUndefined();
});

test.each(["0", "", "soon", "1e400", "99999999999999999999", {}, null])(
  "takeout metadata: a timestamp of %p is unknown",
  (timestamp) => {
    expect(readTakeoutMetadata(JSON.stringify({ photoTakenTime: { timestamp } }))?.takenAt).toBeUndefined();
  },
);

test("iCloud: the list gives the time of each photo, and what was hidden or deleted", () => {
  const csv = [
    "imgName,fileChecksum,favorite,hidden,deleted,originalCreationDate,viewCount,importDate",
    'IMG_1.HEIC,x,no,no,no,"Saturday June 4,2022 12:11 PM GMT",10,"Sunday June 5,2022 1:00 AM GMT"',
    "IMG_2.MOV,x,yes,no,no,Monday March 11,2024 12:34 AM GMT,1,",
    '"a ""b"", c.JPG",x,no,yes,no,"Friday December 31,2021 11:59 PM GMT",0,',
    'gone.JPG,x,no,no,yes,"",0,',
    ",,,",
    "",
  ].join("\r\n");
  expect([...readPhotoDetails(csv)]).toEqual([
    ["IMG_1.HEIC", { takenAt: Date.UTC(2022, 5, 4, 12, 11), isDeleted: false }],
    ["IMG_2.MOV", { takenAt: Date.UTC(2024, 2, 11, 0, 34), isDeleted: false }],
    ['a "b", c.JPG', { takenAt: Date.UTC(2021, 11, 31, 23, 59), isDeleted: true }],
    ["gone.JPG", { takenAt: undefined, isDeleted: true }],
  ]);
  expect(["Photo Details.csv", "Photo Details-12.csv", "Photo.csv"].map(isPhotoDetails)).toEqual([
    true,
    true,
    false,
  ]);
});

test("import-folder: reads a list of photos with millions of empty lines, or an endless one, in little memory", () => {
  const photo = "\na.jpg,x,no,no,yes,,,";
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  const found = readPhotoDetails(`${"\n".repeat(4e6)}${photo}\n"${"b".repeat(4e6)}`);
  expect([...found.keys()]).toEqual(["a.jpg"]);
  // An array of the lines takes more.
  expect(process.memoryUsage.rss() - before).toBeLessThan(60e6);
});

const local = (...parts: [number, number, number, number?, number?, number?]) => new Date(...parts).getTime();

test.each([
  ["IMG_20180704_101530.jpg", local(2018, 6, 4, 10, 15, 30)],
  ["PXL_20211013_220651983.jpg", local(2021, 9, 13, 22, 6, 51)],
  ["VID-20180704-WA0001.mp4", local(2018, 6, 4)],
  ["2018-07-04 10.15.30.jpg", local(2018, 6, 4, 10, 15, 30)],
  ["Screenshot 2021-05-01 at 09.08.07.png", local(2021, 4, 1, 9, 8, 7)],
  ["signal-2021-05-01-09-08-07.jpeg", local(2021, 4, 1, 9, 8, 7)],
  ["IMG_1234.JPG", undefined],
  ["1234567890123.jpg", undefined],
  ["20181304.jpg", undefined],
] as const)("dates: the name %s gives %p", (name, time) => {
  expect(dateInName(name)).toBe(time);
});
