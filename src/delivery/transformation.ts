import { longSide } from "../renditions/thumbnails.ts";

/**
 * Whether a thumbnail is large enough for one of ImageKit's transformations, such as `tr:w-400,h-200`: it asks for a width
 * or a height in pixels, and for no more than the thumbnail has. Overlays (`l-text,…,l-end`) have sizes of their own.
 * @param size the image's, of which the thumbnail is made
 */
export function fitsThumbnail(transformation: string, size: { width: number; height: number }): boolean {
  const scale = Math.min(1, longSide / Math.max(size.width, size.height));
  const has = { w: Math.ceil(size.width * scale), h: Math.ceil(size.height * scale) };
  const steps = transformation.replace(/\bl-.*?\bl-end\b/gs, "").split(/[,:]/);
  const asked = steps.flatMap((step) => {
    const [, side, value] = /^([wh])-(.*)$/s.exec(step) ?? [];
    return side
      ? [{ side: side as "w" | "h", value: /^\d{1,5}$/.test(value!) ? Number(value) : Infinity }]
      : [];
  });
  return asked.length > 0 && asked.every(({ side, value }) => value <= has[side]);
}
