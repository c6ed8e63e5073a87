import { api } from "./api.ts";
import type { Sent } from "./failures.ts";
import { inspectedBytes, isMedia, kindOf } from "./file-kind.ts";
import type { Account } from "./session.ts";
import { settings } from "./settings.ts";
import { fileSize } from "./sizes.ts";
import { text } from "./texts/text.ts";
import { unsupported } from "./unsupported.ts";

/** Returns the kind of a file for messages about limits. */
export function sentAs(file: File): Sent {
  const kind = kindOf(file);
  return kind === "image" ? "photo" : (kind ?? "file");
}

/** Returns a message that says why a file cannot be shared; undefined if it can, as far as the page knows. */
export async function problemOf(file: File): Promise<string | undefined> {
  if (file.size === 0) return text("fileEmpty");
  let start: Uint8Array;
  try {
    start = new Uint8Array(await file.slice(0, inspectedBytes).arrayBuffer());
  } catch {
    // A folder, or a file that has been changed or deleted since it was chosen.
    return text("fileUnreadable");
  }
  if (!isMedia(start)) return unsupported();
  const { maxImageSize, maxVideoSize } = settings;
  const kind = kindOf(file);
  if (kind === "image" && file.size > maxImageSize)
    return text("photosLimit", { size: fileSize(maxImageSize) });
  if (kind === "video" && file.size > maxVideoSize)
    return text("videosLimit", { size: fileSize(maxVideoSize) });
  const size = Math.max(maxImageSize, maxVideoSize);
  return file.size > size ? text("filesLimit", { size: fileSize(size) }) : undefined;
}

/**
 * Returns a message that says why a file does not fit into the account's storage; undefined if it does.
 * @param before bytes of the files that are shared before this one
 */
export function quotaProblem(file: File, { usage }: Account, before = 0): string | undefined {
  if (typeof usage?.quota !== "number") return undefined;
  const left = Math.max(0, usage.quota - usage.bytes - before);
  if (file.size <= left) return undefined;
  return left === 0 ? text("quotaExceeded") : text("quotaLeft", { left: fileSize(left) });
}

/**
 * Checks files before they are shared in this order.
 * @param bytes size of the files that are shared before them
 * @param refuse called with each file that cannot be shared, and a message that says why
 */
export async function checkInOrder<Item extends { readonly file: File }>(
  items: readonly Item[],
  bytes: number,
  refuse: (item: Item, problem: string) => void,
): Promise<void> {
  const me = settings.userQuota === null ? undefined : await api.meWithUsage().catch(() => undefined);
  let before = bytes;
  for (const item of items) {
    const problem = (await problemOf(item.file)) ?? (me && quotaProblem(item.file, me, before));
    if (problem) refuse(item, problem);
    else before += item.file.size;
  }
}
