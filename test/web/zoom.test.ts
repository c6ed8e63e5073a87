import { expect, test } from "bun:test";

import { bounded, fitted, frameOf, movedBy, zoomAt } from "../../src/web/page/zoom.ts";

const stage = { width: 400, height: 800 };
const frame = frameOf(stage, { width: 4000, height: 3000 });

test("zoom: a picture is fitted into the stage, and a small one is not enlarged", () => {
  expect(frame.picture).toEqual({ width: 400, height: 300 });
  expect(frameOf(stage, { width: 40, height: 30 }).picture).toEqual({ width: 40, height: 30 });
});

test("zoom: a large picture can be enlarged to twice its own pixels, a small one fourfold", () => {
  expect(zoomAt(fitted, 1000, { x: 0, y: 0 }, frame).scale).toBe(20);
  expect(zoomAt(fitted, 1000, { x: 0, y: 0 }, frameOf(stage, { width: 40, height: 30 })).scale).toBe(4);
});

test("zoom: what is below the fingers stays there", () => {
  const once = zoomAt(fitted, 8, { x: 50, y: -20 }, frame);
  // The point of the picture that was there, relative to its centre, is where it was.
  expect(once.x + 50 * once.scale).toBeCloseTo(50, 6);
  expect(once.y + -20 * once.scale).toBeCloseTo(-20, 6);
});

test("zoom: a picture never leaves a gap that it could fill, and is in the middle where it cannot", () => {
  const zoomed = zoomAt(fitted, 2, { x: 0, y: 0 }, frame);
  expect(movedBy(zoomed, { x: 1000, y: 1000 }, frame)).toEqual({ scale: 2, x: 200, y: 0 });
  expect(zoomAt({ scale: 2, x: 200, y: 0 }, 0, { x: 0, y: 0 }, frame)).toEqual({ scale: 1, x: 0, y: 0 });
});

test("zoom: a smaller stage, as after turning a phone, keeps the picture in reach", () => {
  const turned = frameOf({ width: 800, height: 400 }, { width: 4000, height: 3000 });
  expect(bounded({ scale: 2, x: -400, y: 900 }, turned)).toEqual({
    scale: 2,
    x: -(turned.picture.width * 2 - 800) / 2,
    y: (turned.picture.height * 2 - 400) / 2,
  });
});
