import { thumbHashToRGBA } from "thumbhash";

import { element } from "./element.ts";

/**
 * Draws the preview of a picture that is still loading. It is a canvas because the content security policy allows no
 * `data:` images.
 * @param hash a thumbhash in base64
 * @returns undefined for a hash that cannot be read
 */
export function placeholder(hash: string): HTMLCanvasElement | undefined {
  try {
    const { w, h, rgba } = thumbHashToRGBA(Uint8Array.from(atob(hash), (char) => char.charCodeAt(0)));
    const canvas = element("canvas", {
      width: w,
      height: h,
      className: "placeholder",
      attributes: { "aria-hidden": "true" },
    });
    canvas.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(rgba), w, h), 0, 0);
    return canvas;
  } catch {
    return undefined;
  }
}
