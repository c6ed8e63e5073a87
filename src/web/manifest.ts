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
    icons: [
      { src: "assets/icon-192.png", sizes: "192x192", type: "image/png" },
      { src: "assets/icon-512.png", sizes: "512x512", type: "image/png" },
      { src: "assets/maskable-512.png", sizes: "512x512", type: "image/png", purpose: "maskable" },
      { src: "assets/icon.svg", sizes: "any", type: "image/svg+xml" },
    ],
  });
