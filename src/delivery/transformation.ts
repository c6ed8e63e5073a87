import { thumbnailSize } from "../renditions/sizes.ts";

/**
 * Whether a thumbnail is large enough for one of ImageKit's transformations, such as `w-400,h-200`: the transformation
 * specifies a width or a height in pixels, and none exceeds the thumbnail. Sizes inside overlays (`l-text,…,l-end`) do not
 * count.
 * @param transformation without the prefix `tr:`
 * @param size of the image that the thumbnail is made of
 */
export function fitsThumbnail(transformation: string, size: { width: number; height: number }): boolean {
  const { width, height } = thumbnailSize(size);
  const thumbnail = { w: width, h: height };
  const steps = transformation.replace(/\bl-.*?\bl-end\b/gs, "").split(/[,:]/);
  const requested = steps.flatMap((step) => {
    const [, side, value] = /^([wh])-(.*)$/s.exec(step) ?? [];
    return side
      ? [{ side: side as "w" | "h", value: /^\d{1,5}$/.test(value!) ? Number(value) : Infinity }]
      : [];
  });
  return requested.length > 0 && requested.every(({ side, value }) => value <= thumbnail[side]);
}
