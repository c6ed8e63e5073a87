import { describe, expect, test } from "bun:test";

import { StructureBudget } from "../../src/metadata/structure-budget.ts";

describe("structure budget", () => {
  test.each([
    ["100,000 elements in a small file", 7_000_000, 100_000],
    ["one element per kilobyte in a long video", 300_000_000, 292_968],
    ["a million elements in the largest files", 100_000_000_000, 1_000_000],
  ])("structure budget: allows %s", (_name, fileSize, most) => {
    const { elements } = new StructureBudget(fileSize);
    for (let spent = 0; spent < most; spent++) elements.spend();
    expect(() => elements.spend()).toThrow(expect.objectContaining({ code: "DAMAGED_MEDIA" }));
  });

  test("structure budget: allows three hours of one-second fragments at 150 kbit/s", () => {
    const seconds = 3 * 60 * 60;
    const { elements } = new StructureBudget((seconds * 150_000) / 8);
    // moof, mdat, mfhd, styp, sidx; traf, tfhd, tfdt, trun for picture and sound.
    expect(() => elements.spend(seconds * 13)).not.toThrow();
  });

  test("structure budget: allows hours of live Matroska, and refuses a file of tiny blocks only", () => {
    expect(() => new StructureBudget(3 * 60 * 60 * 100_000).blocks.spend(3_000_000)).not.toThrow();
    expect(() => new StructureBudget(2_000_000).blocks.spend(1_000_000)).toThrow();
  });

  test("structure budget: counts the entries of all sample tables together", () => {
    const { tableEntries } = new StructureBudget(60_000_000);
    tableEntries.spend(7_999_999);
    tableEntries.spend(1);
    expect(() => tableEntries.spend(1)).toThrow();
  });

  test("structure budget: allows two days of video with each sample table read twice", () => {
    const { tableEntries, blocks } = new StructureBudget(100_000_000_000);
    expect(() => tableEntries.spend(2 * 2 * (5_000_000 + 8_000_000))).not.toThrow();
    expect(() => blocks.spend(5_000_000 + 8_000_000)).not.toThrow();
  });

  test("structure budget: allows eight passes over a three-hour video, and refuses a jump for each sample", () => {
    const fileSize = 3_000_000_000;
    const { windows } = new StructureBudget(fileSize);
    windows.spend((8 * fileSize) / (32 * 1024));
    expect(() => windows.spend(1_000_000)).toThrow(expect.objectContaining({ code: "DAMAGED_MEDIA" }));
  });
});
