// ReDoc draws in colours of its own: those for the dark where the browser prefers it.
const dark = {
  colors: {
    primary: { main: "#8ab4f8" },
    text: { primary: "#e3e5ea", secondary: "#b4b8c2" },
    border: { dark: "#3a3f4a", light: "#2c3038" },
    http: { get: "#6bbd5b", post: "#4aa3df", patch: "#c9a24a", delete: "#d9705f" },
  },
  schema: { nestedBackground: "#1d2026", typeNameColor: "#b4b8c2", typeTitleColor: "#b4b8c2" },
  sidebar: { backgroundColor: "#1d2026", textColor: "#e3e5ea" },
  rightPanel: { backgroundColor: "#101216" },
  typography: { code: { backgroundColor: "#22262e", color: "#f0a37e" } },
};
const { matches } = matchMedia("(prefers-color-scheme: dark)");

Redoc.init(
  "/openapi.json",
  {
    disableSearch: false,
    hideDownloadButton: false,
    nativeScrollbars: true,
    ...(matches && { theme: dark }),
  },
  document.getElementById("redoc"),
);
