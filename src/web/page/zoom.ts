export interface Point {
  readonly x: number;
  readonly y: number;
}

/** How a picture is scaled and moved from its fitted place in the centre of the stage, in CSS pixels. */
export interface Zoom extends Point {
  /** 1 shows the whole picture. */
  readonly scale: number;
}

/** What bounds a zoom. Sizes are in CSS pixels; the picture's is its fitted one. */
export interface Frame {
  readonly stage: { readonly width: number; readonly height: number };
  readonly picture: { readonly width: number; readonly height: number };
  readonly maxScale: number;
}

/** Without zoom. */
export const fitted: Zoom = { scale: 1, x: 0, y: 0 };

/** Every picture can be enlarged this many times, and large ones to two CSS pixels for each of their own. */
const leastMaxScale = 4;

/** Returns the frame of a picture of this size, in its own pixels, on a stage. */
export function frameOf(stage: Frame["stage"], own: { width: number; height: number }): Frame {
  const ratio = Math.min(1, stage.width / own.width, stage.height / own.height);
  const picture = { width: own.width * ratio, height: own.height * ratio };
  return { stage, picture, maxScale: Math.max(leastMaxScale, 2 / ratio) };
}

/** Multiplies the scale around a point, which stays in place. The point is relative to the centre of the stage. */
export function zoomAt(zoom: Zoom, factor: number, at: Point, frame: Frame): Zoom {
  const scale = Math.min(frame.maxScale, Math.max(1, zoom.scale * factor));
  const ratio = scale / zoom.scale;
  return bounded({ scale, x: at.x - (at.x - zoom.x) * ratio, y: at.y - (at.y - zoom.y) * ratio }, frame);
}

export const movedBy = (zoom: Zoom, by: Point, frame: Frame): Zoom =>
  bounded({ ...zoom, x: zoom.x + by.x, y: zoom.y + by.y }, frame);

/** Limits the movement so that the picture leaves no gap on the stage that it could fill. */
export function bounded({ scale, x, y }: Zoom, { stage, picture }: Frame): Zoom {
  const within = (place: number, length: number, room: number) => {
    const most = Math.max(0, (length * scale - room) / 2);
    return Math.min(most, Math.max(-most, place));
  };
  return {
    scale,
    x: within(x, picture.width, stage.width),
    y: within(y, picture.height, stage.height),
  };
}
