/** Where browsers send what users share with the installed page; its service worker takes it. */
export const shareTarget = "./share";

/**
 * Returns the web app manifest (https://www.w3.org/TR/appmanifest/), with which browsers install the page as an app. Its
 * URLs are relative to its own, so that it works below any path prefix.
 */
export const manifest = (siteName: string): string =>
  JSON.stringify({
    name: siteName,
    short_name: siteName,
    start_url: "./",
    scope: "./",
    display: "standalone",
    background_color: "#faf9f7",
    theme_color: "#2f6f5e",
    // https://w3c.github.io/web-share-target/level-2/
    share_target: {
      action: shareTarget,
      method: "POST",
      enctype: "multipart/form-data",
      params: { files: [{ name: "files", accept: ["image/*", "video/*"] }] },
    },
    icons: [
      { src: "assets/icon-192.png", sizes: "192x192", type: "image/png" },
      { src: "assets/icon-512.png", sizes: "512x512", type: "image/png" },
      { src: "assets/maskable-512.png", sizes: "512x512", type: "image/png", purpose: "maskable" },
      { src: "assets/icon.svg", sizes: "any", type: "image/svg+xml" },
    ],
  });
