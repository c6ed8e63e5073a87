import { element } from "./element.ts";
import { ago, fullDate } from "./times.ts";

/** Creates a time such as "3 hours ago", with the full date as its tooltip. @param time as the service sends it */
export function timeAgo(time: string): HTMLTimeElement {
  const date = new Date(time);
  return element("time", { dateTime: time, title: fullDate(date), textContent: ago(date) });
}
