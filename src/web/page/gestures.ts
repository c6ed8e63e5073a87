import type { Point } from "./zoom.ts";

/** What fingers and the mouse do on an element. Points are in CSS pixels of the viewport. */
export interface GestureEvents {
  /** One pointer moved. @param total how far it is from where it went down */
  dragged(by: Point, total: Point, isTouch: boolean): void;
  /** The last pointer went up. @param total how far it moved; zero after a second finger or a cancelled gesture */
  released(total: Point, isTouch: boolean): void;
  /** Two fingers moved. @param factor by which their distance grew; @param at their middle; @param by its movement */
  pinched(factor: number, at: Point, by: Point): void;
  doubleTapped(at: Point): void;
}

/** Two taps within this time, and this near to each other, are a double tap. */
const doubleTapMs = 300;
const tapDistance = 24;

const pointOf = ({ clientX, clientY }: MouseEvent): Point => ({ x: clientX, y: clientY });
const difference = (a: Point, b: Point): Point => ({ x: a.x - b.x, y: a.y - b.y });
const distance = (a: Point, b: Point) => Math.hypot(a.x - b.x, a.y - b.y);
const zero: Point = { x: 0, y: 0 };

/**
 * Follows the pointers that go down on an element.
 * @param isExempt whether an event belongs to a control inside, such as the slider of a video
 */
export function followPointers(
  stage: HTMLElement,
  events: GestureEvents,
  isExempt: (event: PointerEvent) => boolean,
  signal: AbortSignal,
): void {
  const down = new Map<number, Point>();
  /** Where the only finger went down; undefined after a second one. */
  let start: Point | undefined;
  let lastTap: { readonly at: Point; readonly timeMs: number } | undefined;
  let wasTouch = false;

  stage.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0 || isExempt(event)) return;
      wasTouch = event.pointerType === "touch";
      down.set(event.pointerId, pointOf(event));
      start = down.size === 1 ? pointOf(event) : undefined;
    },
    { signal },
  );
  // On the document, because a mouse may leave the element with its button down.
  document.addEventListener(
    "pointermove",
    (event) => {
      const former = down.get(event.pointerId);
      if (!former) return;
      const at = pointOf(event);
      const by = difference(at, former);
      const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
      down.set(event.pointerId, at);
      if (!other) return events.dragged(by, start ? difference(at, start) : zero, wasTouch);
      const middle = { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 };
      const factor = distance(at, other) / Math.max(1, distance(former, other));
      events.pinched(factor, middle, { x: by.x / 2, y: by.y / 2 });
    },
    { signal },
  );
  document.addEventListener("pointerup", (event) => end(event, pointOf(event)), { signal });
  document.addEventListener("pointercancel", (event) => end(event), { signal });
  // Browsers send it for a mouse, and some for fingers too, whose taps are counted here.
  stage.addEventListener("dblclick", (event) => !wasTouch && events.doubleTapped(pointOf(event)), { signal });

  function end(event: PointerEvent, at?: Point): void {
    if (!down.delete(event.pointerId)) return;
    const from = start;
    if (down.size > 0) return void (start = undefined);
    events.released(at && from ? difference(at, from) : zero, wasTouch);
    const isTap = wasTouch && at !== undefined && from !== undefined && distance(at, from) < tapDistance;
    if (!isTap) return void (lastTap = undefined);
    const isSecond =
      lastTap && event.timeStamp - lastTap.timeMs < doubleTapMs && distance(at, lastTap.at) < 2 * tapDistance;
    lastTap = isSecond ? undefined : { at, timeMs: event.timeStamp };
    if (isSecond) events.doubleTapped(at);
  }
}
