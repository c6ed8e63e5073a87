import type { Post } from "./api.ts";

/**
 * Returns the properties of a link that downloads a post's file. A media store on another host may show the file instead,
 * which then happens in a new tab.
 */
export const downloadOf = ({ url, file_name }: Post) => ({
  href: url,
  download: file_name,
  target: new URL(url, location.href).origin === location.origin ? "" : "_blank",
  rel: "noopener",
});
