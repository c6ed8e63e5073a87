/**
 * The place of a file in ImageKit. Files of this service are in its folder, under their keys; files of imported posts stay
 * where the original program put them.
 */
export interface ImageKitLocation {
  /** ImageKit's id of the file; null if it is unknown. */
  readonly fileId: string | null;
  /** The path below the URL endpoint, with a slash at its start; not percent-encoded. */
  readonly path: string;
}

/** Folder that distinguishes this service's files from others in the account. */
export const folder = "/image-sharing";

/**
 * The characters of names in ImageKit, which replaces all others. None of them has a meaning in a search query or a URL's
 * path.
 */
const pathPattern = /^(?:\/(?!\.{1,2}(?:\/|$))[\p{L}\p{M}\p{N}._-]+)+$/u;

/** Limit on the length of a path in an address. */
const maxPathLength = 1000;

/** Whether a text may be the path of a file in ImageKit, and is safe in search queries and URLs. */
const isImageKitPath = (path: string): boolean => path.length <= maxPathLength && pathPattern.test(path);

/** Whether a path is in this service's folder, where files belong to the posts with their keys. */
export const isOwnPath = (path: string): boolean => path.startsWith(`${folder}/`);

/** The `store_id` of the post of a file that is not under its key: the file's id, if known, and its path. */
export const imageKitStoreId = ({ fileId, path }: ImageKitLocation): string => `${fileId ?? ""}${path}`;

/**
 * Returns the place of a post's file.
 * @param storeId a file's id, or a text from {@link imageKitStoreId}; null if the id is unknown
 */
export function imageKitLocation(key: string, storeId: string | null): ImageKitLocation {
  const slash = storeId?.indexOf("/") ?? -1;
  const path = slash === -1 ? "" : storeId!.slice(slash);
  return isImageKitPath(path)
    ? { fileId: storeId!.slice(0, slash) || null, path }
    : { fileId: storeId, path: `${folder}/${key}` };
}

/** The URL of a path on the CDN. */
export const imageKitUrl = (urlEndpoint: string, path: string): string =>
  `${urlEndpoint.replace(/\/+$/, "")}${path.split("/").map(encodeURIComponent).join("/")}`;

/**
 * Returns the path of a file by its URL.
 * @returns undefined unless the URL is below the endpoint and leads to a file
 */
export function imageKitPath(urlEndpoint: string, url: URL): string | undefined {
  const endpoint = new URL(urlEndpoint);
  const prefix = endpoint.pathname.replace(/\/+$/, "");
  if (url.origin !== endpoint.origin || !url.pathname.startsWith(`${prefix}/`)) return undefined;
  try {
    const segments = url.pathname.slice(prefix.length).split("/").map(decodeURIComponent);
    if (segments.some((segment) => segment.includes("/"))) return undefined;
    const path = segments.join("/");
    return isImageKitPath(path) ? path : undefined;
  } catch {
    return undefined;
  }
}
