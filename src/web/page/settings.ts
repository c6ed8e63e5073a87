import type { PageSettings } from "../page-settings.ts";

/** The service's settings, from index.html; empty outside of a browser. */
export const settings = JSON.parse(globalThis.document?.body.dataset["settings"] ?? "{}") as PageSettings;
