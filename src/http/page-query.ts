import { t } from "elysia";

/** The schema of the query parameters of a list. They are texts, which `readPageRequest` reads. */
export const pageQuery = { limit: t.Optional(t.String()), cursor: t.Optional(t.String()) };
