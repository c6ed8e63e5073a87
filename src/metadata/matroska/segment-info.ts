import type { ByteSource } from "../byte-source.ts";
import { elementAt, elementHeadBytes, floatValue, unsignedValue } from "./ebml.ts";
import { ids } from "./ids.ts";

/** Times that `Info` declares (RFC 9559 section 5.1.2). */
export interface SegmentInfo {
  /** 0 if unknown, as in a live recording. */
  readonly durationSeconds: number;
  /** Seconds in a unit of the timestamps of clusters and blocks. */
  readonly secondsPerUnit: number;
}

/** TimestampScale in nanoseconds, if none is declared: milliseconds. */
const defaultScale = 1_000_000;

/** Reads the content of `Info`, up to the first element that is damaged. */
export async function readSegmentInfo(source: ByteSource, from: number, to: number): Promise<SegmentInfo> {
  let [scale, duration] = [defaultScale, 0];
  for (let offset = from; offset < to;) {
    source.budget.elements.spend();
    const element = elementAt(await source.readUpTo(offset, elementHeadBytes), offset);
    if (element?.end === undefined || element.end > Math.min(to, source.size)) break;
    const { id, body, end } = element;
    if (id === ids.timestampScale || id === ids.duration) {
      const content = await source.read(body, Math.min(8, end - body));
      if (id === ids.timestampScale) scale = unsignedValue(content);
      else duration = floatValue(content);
    }
    offset = end;
  }
  return { durationSeconds: (duration * scale) / 1e9, secondsPerUnit: scale / 1e9 };
}
