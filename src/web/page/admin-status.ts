import { api } from "./api.ts";
import { element } from "./element.ts";
import { fileSize } from "./sizes.ts";
import { text } from "./texts/text.ts";

/** Limit on the pages of accounts whose storage is added up, to bound the load on the service. */
const maxPages = 20;
/** The largest page size of the API. */
const pageSize = 200;

/** The service's health, version and storage used. */
export function statusList(signal: AbortSignal): HTMLElement {
  const fact = (label: string, value: Promise<string>) => {
    const shown = element("dd", { textContent: "…" });
    value.then(
      (known) => (shown.textContent = known),
      () => (shown.textContent = text("unknown")),
    );
    return element("div", {}, element("dt", { textContent: label }), shown);
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
