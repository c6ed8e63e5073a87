import type { PageSettings } from "../page-settings.ts";

/** The service's settings, from index.html. */
export const settings = JSON.parse(document.body.dataset["settings"] ?? "{}") as PageSettings;
