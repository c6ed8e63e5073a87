import { isValidHostname } from "./host-name.ts";

/**
 * Reads the address of a website or of a service's API, to which paths are appended.
 * @returns the address without a trailing slash, or a problem that completes the sentence "The address must …."
 */
export function parseWebAddress(text: string): { address: string } | { problem: string } {
  const [, authority] = /^https?:\/\/([^/?#]*)/i.exec(text) ?? [];
  if (authority === undefined) return { problem: "begin with http:// or https://" };
  const url = authority === "" ? null : URL.parse(text);
  if (!url || url.port === "0" || !isValidHostname(url.hostname))
    return { problem: "have a valid host and port, as in https://photos.example.com:8443" };
  // Looked for in the text, because the parsed URL does not show a query or a fragment that is empty.
  const unwanted = [
    authority.includes("@") && "user name or password",
    /^[^#]*\?/.test(text) && "query (?)",
    text.includes("#") && "fragment (#)",
  ].filter((part) => part !== false);
  if (unwanted.length > 0) return { problem: `have no ${unwanted.join(" and no ")}` };
  return { address: url.href.replace(/\/+$/, "") };
}
