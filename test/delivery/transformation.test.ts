import { expect, test } from "bun:test";

import { fitsThumbnail } from "../../src/delivery/transformation.ts";

test.each([
  // A landscape: its thumbnail has 640 × 480.
  ["w-400,h-200,cm-pad_resize,bg-blurred", 4000, 3000, true],
  ["w-640", 4000, 3000, true],
  ["w-641", 4000, 3000, false],
  ["h-480", 4000, 3000, true],
  ["h-481", 4000, 3000, false],
  ["w-640,h-480", 4000, 3000, true],
  ["w-100,h-600", 4000, 3000, false],
  ["w-300,h-200:rt-90", 4000, 3000, true],
  ["w-300:w-2000", 4000, 3000, false],
  ["rt-90,w-300", 4000, 3000, true],
  // A portrait: 360 × 640.
  ["w-360", 1080, 1920, true],
  ["w-400", 1080, 1920, false],
  // Smaller than a thumbnail may be.
  ["w-40", 40, 30, true],
  ["w-50", 40, 30, false],
  // Without a size in pixels.
  ["", 4000, 3000, false],
  ["q-80,f-webp", 4000, 3000, false],
  ["w-0.5", 4000, 3000, false],
  ["w-auto", 4000, 3000, false],
  ["w-iw_div_2", 4000, 3000, false],
  ["w-,h-", 4000, 3000, false],
  ["w-99999999999999999999", 4000, 3000, false],
  // Sizes of an overlay.
  ["l-text,i-Hello,fs-50,w-300,l-end", 4000, 3000, false],
  ["l-image,i-logo.png,w-1000,h-1000,l-end,w-300", 4000, 3000, true],
  ["w-300,l-text,ie-SGVsbG8%3D,ly-N20,lx-20,fs-100,co-white,bg-000000A0,l-end", 4000, 3000, true],
] as const)(
  "transformation: whether the thumbnail serves %p of %d × %d is %p",
  (asked, width, height, serves) => {
    expect(fitsThumbnail(asked, { width, height })).toBe(serves);
  },
);
