import { imageKitPath, imageKitUrl } from "../storage/imagekit-location.ts";

/** The host of all ImageKit accounts without a domain of their own. */
const sharedHost = "https://ik.imagekit.io";

/** The URL endpoint of ImageKit below which the files of an import are. */
export interface OriginalEndpoint {
  /**
   * Reads the address of a file. Its query, which would be a transformation, is left out.
   * @returns undefined for any other address, because readers' browsers and this service would request it
   */
  read(address: unknown): { url: string; path: string } | undefined;
  /** What addresses must be below, for messages. */
  description(): string;
}

/**
 * Creates the reader of an import's addresses.
 * @param configured the endpoint; null selects that of the first address on ImageKit's own host. The original program had
 * only one account there; an address in another account would show a stranger's file
 */
export function originalEndpoint(configured: string | null): OriginalEndpoint {
  let endpoint = configured;
  return {
    read(address) {
      const url = typeof address === "string" ? URL.parse(address) : null;
      if (!url || url.username !== "" || url.password !== "") return undefined;
      const below = endpoint ?? `${sharedHost}/${url.pathname.split("/")[1]}`;
      // The original program stored what ImageKit returned, which may have been http.
      if (below.startsWith("https:") && url.protocol === "http:") url.protocol = "https:";
      if (below === `${sharedHost}/`) return undefined;
      const path = imageKitPath(below, url);
      if (path === undefined) return undefined;
      endpoint = below;
      return { path, url: imageKitUrl(below, path) };
    },
    description: () =>
      endpoint === configured ? (configured ?? sharedHost) : `${endpoint}, where the first file is`,
  };
}
