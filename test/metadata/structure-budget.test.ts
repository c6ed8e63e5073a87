import { describe, expect, test } from "bun:test";

import { StructureBudget } from "../../src/metadata/structure-budget.ts";

describe("structure budget", () => {
  test.each([
    ["of a small file: 100,000 elements", 7_000_000, 100_000],
    ["of a long film: one element for each kilobyte", 300_000_000, 292_968],
    ["of the largest files: a million elements", 100_000_000_000, 1_000_000],
  ])("%s", (_name, fileSize, most) => {
    const { elements } = new StructureBudget(fileSize);
    for (let spent = 0; spent < most; spent++) elements.spend();
    expect(() => elements.spend()).toThrow(expect.objectContaining({ code: "DAMAGED_MEDIA" }));
  });

  test("three hours of one-second fragments pass at 150 kbit/s", () => {
    const seconds = 3 * 60 * 60;
    const { elements } = new StructureBudget((seconds * 150_000) / 8);
    // moof, mdat, mfhd, styp, sidx; traf, tfhd, tfdt, trun for picture and sound.
    expect(() => elements.spend(seconds * 13)).not.toThrow();
  });

  test("hours of live Matroska pass, a file of nothing but tiny blocks does not", () => {
    expect(() => new StructureBudget(3 * 60 * 60 * 100_000).blocks.spend(3_000_000)).not.toThrow();
    expect(() => new StructureBudget(2_000_000).blocks.spend(1_000_000)).toThrow();
  });

  test("entries of sample tables are counted together", () => {
    const { tableEntries } = new StructureBudget(60_000_000);
    tableEntries.spend(7_999_999);
    tableEntries.spend(1);
    expect(() => tableEntries.spend(1)).toThrow();
  });

  test("two days of video pass: 5 million pictures, 8 million frames of sound, each table read twice", () => {
    const { tableEntries, blocks } = new StructureBudget(100_000_000_000);
    expect(() => tableEntries.spend(2 * 2 * (5_000_000 + 8_000_000))).not.toThrow();
    expect(() => blocks.spend(5_000_000 + 8_000_000)).not.toThrow();
  });

  test("structure budget: a three-hour film may be read in order eight times, tables may not jump for each sample", () => {
    const fileSize = 3_000_000_000;
    const { windows } = new StructureBudget(fileSize);
    windows.spend((8 * fileSize) / (32 * 1024));
    expect(() => windows.spend(1_000_000)).toThrow(expect.objectContaining({ code: "DAMAGED_MEDIA" }));
  });
});
