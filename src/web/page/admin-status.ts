import { api } from "./api.ts";
import { element } from "./element.ts";
import { fileSize } from "./sizes.ts";
import { text } from "./texts/text.ts";

/** Accounts whose usage is added up, in pages of the largest size that the API has; more would keep it busy. */
const maxPages = 20;
const pageSize = 200;

/** The service's health, version and used storage. */
export function statusList(signal: AbortSignal): HTMLElement {
  const fact = (label: string, value: Promise<string>) => {
    const words = element("dd", { textContent: "…" });
    value.then(
      (known) => (words.textContent = known),
      () => (words.textContent = text("unknown")),
    );
    return element("div", {}, element("dt", { textContent: label }), words);
  };
  return element(
    "dl",
    { className: "facts" },
    fact(
      text("health"),
      api.health().then(
        () => text("healthy"),
        () => text("unhealthy"),
      ),
    ),
    fact(
      text("version"),
      api.description().then(({ info }) => info.version),
    ),
    fact(text("storage"), storageUsed(signal)),
  );
}

/** Adds up what the posts of all accounts take up. */
async function storageUsed(signal: AbortSignal): Promise<string> {
  let bytes = 0;
  let cursor: string | null = null;
  for (let page = 0; page < maxPages && !signal.aborted; page++) {
    const { users, next_cursor } = await api.users("", cursor, pageSize);
    bytes += users.reduce((sum, user) => sum + user.bytes, 0);
    cursor = next_cursor;
    if (cursor === null) return fileSize(bytes);
  }
  return text("spaceAtLeast", { size: fileSize(bytes) });
}
