/**
 * Converts the id in a path to its stored form: lower case, with hyphens. Accepts the forms that Python's `uuid.UUID`
 * accepts, as the original program did.
 * @param text null if the path was not valid UTF-8, although Elysia's type says string
 * @returns an empty string, which no row has as its id, for anything that is not a UUID
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
