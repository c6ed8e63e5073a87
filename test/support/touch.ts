import type { Browser } from "./browser.ts";

type Point = readonly [x: number, y: number];

/**
 * Moves fingers over an element, as a touch screen does: every finger goes down at its first point, and they move together.
 * Points are in CSS pixels from the element's centre.
 */
export async function touch(browser: Browser, selector: string, ...fingers: Point[][]): Promise<void> {
  await browser.view.evaluate(`(() => {
    const target = document.querySelector(${JSON.stringify(selector)});
    const { left, top, width, height } = target.getBoundingClientRect();
    const send = (type, pointerId, [x, y]) => target.dispatchEvent(new PointerEvent(type, {
      pointerId, pointerType: "touch", isPrimary: pointerId === 10, bubbles: true, cancelable: true,
      clientX: left + width / 2 + x, clientY: top + height / 2 + y,
    }));
    const fingers = ${JSON.stringify(fingers)};
    fingers.forEach((points, i) => send("pointerdown", 10 + i, points[0]));
    for (let step = 1; step < fingers[0].length; step++)
      fingers.forEach((points, i) => send("pointermove", 10 + i, points[step]));
    fingers.forEach((points, i) => send("pointerup", 10 + i, points.at(-1)));
  })()`);
}
