import { followPointers } from "./gestures.ts";
import { bounded, fitted, frameOf, movedBy, zoomAt, type Point, type Zoom } from "./zoom.ts";

/** How far a finger must move, in CSS pixels, to turn to another post. */
const swipeDistance = 50;
/** How far the arrow keys move a picture, in CSS pixels. */
const keyStep = 80;
/** Zoom factors of a double tap and the button, and of a key. */
const tapFactor = 2.5;
const keyFactor = 1.5;
/** The controls of a video are this high, in CSS pixels. */
const videoControlsHeight = 96;

export interface ZoomableEvents {
  /** A finger swiped. @param step 1 to the next post, -1 to the one before */
  swiped(step: number): void;
  /** @param neededPixels device pixels in the width of the picture; @param isZoomed whether it is enlarged */
  scaled(neededPixels: number, isZoomed: boolean): void;
}

/**
 * Lets users enlarge and move the picture on a stage, and swipe. Videos can be swiped only.
 * @param signal ends the listeners
 */
export function createZoomable(stage: HTMLElement, events: ZoomableEvents, signal: AbortSignal) {
  let media: HTMLElement | undefined;
  /** The picture's size in its own pixels; undefined for media that cannot be enlarged. */
  let size: { readonly width: number; readonly height: number } | undefined;
  let zoom = fitted;

  const frame = () => frameOf({ width: stage.clientWidth, height: stage.clientHeight }, size!);

  /** Applies a zoom. @param isSmooth with a transition */
  function apply(next: Zoom, isSmooth = false): void {
    zoom = next;
    if (!media) return;
    media.classList.toggle("smooth", isSmooth);
    const isZoomed = zoom.scale > 1;
    media.style.transform = isZoomed ? `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.scale})` : "";
    stage.classList.toggle("zoomed", isZoomed);
    if (size) events.scaled(frame().picture.width * zoom.scale * devicePixelRatio, isZoomed);
  }

  function toStage({ x, y }: Point): Point {
    const { left, top, width, height } = stage.getBoundingClientRect();
    return { x: x - left - width / 2, y: y - top - height / 2 };
  }

  function toggle(at: Point): void {
    if (size) apply(zoom.scale > 1 ? fitted : zoomAt(zoom, tapFactor, at, frame()), true);
  }

  const isExempt = ({ target, clientY }: PointerEvent) =>
    (target as Element).closest("button, a") !== null ||
    (target instanceof HTMLVideoElement &&
      clientY > target.getBoundingClientRect().bottom - videoControlsHeight);

  followPointers(
    stage,
    {
      dragged(by, total, isTouch) {
        if (zoom.scale > 1) apply(movedBy(zoom, by, frame()));
        else if (isTouch && media) {
          media.classList.remove("smooth");
          media.style.transform = `translateX(${total.x}px)`;
        }
      },
      released({ x, y }, isTouch) {
        if (zoom.scale > 1) return;
        const former = media;
        if (isTouch && Math.abs(x) > swipeDistance && Math.abs(x) > Math.abs(y))
          events.swiped(x < 0 ? 1 : -1);
        if (media === former) apply(fitted, true);
      },
      pinched(factor, at, by) {
        if (size) apply(movedBy(zoomAt(zoom, factor, toStage(at), frame()), by, frame()));
      },
      doubleTapped: (at) => toggle(toStage(at)),
    },
    isExempt,
    signal,
  );

  // Trackpads report a pinch as a wheel with the Control key.
  stage.addEventListener(
    "wheel",
    (event) => {
      if (!size || !(event.ctrlKey || zoom.scale > 1)) return;
      event.preventDefault();
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : 16;
      if (!event.ctrlKey)
        return apply(movedBy(zoom, { x: -event.deltaX * unit, y: -event.deltaY * unit }, frame()));
      const step = Math.max(-25, Math.min(25, event.deltaY * unit));
      apply(zoomAt(zoom, Math.exp(-step / 100), toStage({ x: event.clientX, y: event.clientY }), frame()));
    },
    { signal, passive: false },
  );
  addEventListener("resize", () => size && apply(bounded(zoom, frame())), { signal });

  return {
    /** Starts without zoom. @param shown what is on the stage @param own its size in pixels, if it can be enlarged */
    reset(shown: HTMLElement | undefined, own?: { width: number; height: number }): void {
      media = shown;
      size = own;
      apply(fitted);
    },
    /** Enlarges the middle, or shows the whole picture again. */
    toggle: () => toggle({ x: 0, y: 0 }),
    /** Handles a key that enlarges or moves the picture. @returns whether it did */
    key(key: string): boolean {
      if (!size) return false;
      const factor = { "+": keyFactor, "=": keyFactor, "-": 1 / keyFactor, "0": 0 }[key];
      const by = {
        ArrowLeft: { x: keyStep, y: 0 },
        ArrowRight: { x: -keyStep, y: 0 },
        ArrowUp: { x: 0, y: keyStep },
        ArrowDown: { x: 0, y: -keyStep },
      }[key];
      if (factor !== undefined) apply(zoomAt(zoom, factor, { x: 0, y: 0 }, frame()), true);
      else if (by && zoom.scale > 1) apply(movedBy(zoom, by, frame()), true);
      else return false;
      return true;
    },
  };
}
