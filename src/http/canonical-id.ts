/**
 * An id of a path as it is stored: lower case, with hyphens. Taken in every form that the original took, which are those
 * of Python's `uuid.UUID`. What is no id is empty, and found nowhere: PostgreSQL would take offence at NUL.
 * @param text null where the path held no UTF-8: Elysia types it as text all the same
 */
export function canonicalId(text: string | null): string {
  if (text === null) return "";
  const digits = text
    .replace(/^urn:uuid:/, "")
    .replace(/^\{(.*)\}$/, "$1")
    .replaceAll("-", "")
    .toLowerCase();
  const parts = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(digits);
  return parts ? parts.slice(1).join("-") : "";
}
