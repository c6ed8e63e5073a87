import { describe, expect, test } from "bun:test";

import { findMovieTime } from "../../src/metadata/iso/movie-date.ts";
import { movVideo, mp4Video, webmVideo } from "../support/media-samples.ts";
import { box, fullBox, u32 } from "./container-samples.ts";

const recorded = Date.UTC(2018, 6, 4, 10, 15, 30);
const now = Date.UTC(2026, 0);

/** Seconds since 1904. */
const secondsOf = (time: number) => (time - Date.UTC(1904, 0)) / 1000;

function longHeader(time: number): Buffer {
  const times = Buffer.alloc(16);
  times.writeBigUInt64BE(BigInt(secondsOf(time)));
  return fullBox("mvhd", 1, times, Buffer.alloc(96));
}

const header = (time: number) => fullBox("mvhd", 0, u32(secondsOf(time)), Buffer.alloc(96));
const film = (movie: Buffer) => Buffer.concat([box("ftyp", "isom"), box("moov", movie)]);

/** What is found in a file, and how many bytes were read of it. */
function findIn(file: Uint8Array, sizeOf?: (offset: number) => number) {
  let bytesRead = 0;
  const buffer = Buffer.from(file);
  const time = findMovieTime((offset, length) => {
    const at = sizeOf ? sizeOf(offset) : offset;
    const part = buffer.subarray(at, at + length);
    bytesRead += part.length;
    return part;
  }, now);
  return { time, bytesRead };
}

describe("movie date", () => {
  test("movie date: reads the time of recording in 32 and in 64 bits", () => {
    expect(findIn(film(header(recorded))).time).toBe(recorded);
    expect(findIn(film(longHeader(recorded))).time).toBe(recorded);
  });

  test("movie date: finds the header behind the pictures of a long film, and reads few bytes", () => {
    const start = Buffer.concat([box("ftyp", "isom"), u32(1), Buffer.from("mdat"), Buffer.alloc(8)]);
    const dataBytes = 2 ** 40;
    start.writeBigUInt64BE(BigInt(dataBytes), start.length - 8);
    const end = Buffer.concat([box("free", "x"), box("moov", header(recorded))]);
    const endAt = start.length - 16 + dataBytes;
    const found = findIn(Buffer.concat([start, end]), (offset) =>
      offset < endAt ? offset : start.length + offset - endAt,
    );
    expect(found.time).toBe(recorded);
    expect(found.bytesRead).toBeLessThan(100);
  });

  test("movie date: believes no time before 1990 or in the future, which devices without a clock write", () => {
    for (const time of [Date.UTC(1904, 0), Date.UTC(1970, 0), Date.UTC(1989, 11, 31), now + 1000])
      expect([time, findIn(film(header(time))).time]).toEqual([time, undefined]);
    expect(findIn(film(header(Date.UTC(1990, 0)))).time).toBe(Date.UTC(1990, 0));
    expect(findIn(film(header(now))).time).toBe(now);
    expect(findIn(mp4Video()).time).toBeUndefined();
    expect(findIn(movVideo()).time).toBeUndefined();
  });

  test("movie date: finds nothing in other formats and damaged files, and stops after a hundred boxes", () => {
    const whole = film(header(recorded));
    const mvhdEnd = whole.indexOf("mvhd") + 4 + 12;
    for (let length = 0; length < mvhdEnd; length++)
      expect(findIn(whole.subarray(0, length)).time).toBeUndefined();
    expect(findIn(webmVideo()).time).toBeUndefined();
    expect(findIn(Buffer.alloc(1000)).time).toBeUndefined();
    expect(findIn(Buffer.alloc(1000, 0xff)).time).toBeUndefined();
    expect(findIn(header(recorded)).time).toBeUndefined();
    const many = Buffer.concat([...Array.from({ length: 1000 }, () => box("free")), whole]);
    expect(findIn(many)).toEqual({ time: undefined, bytesRead: 1600 });
  });
});
