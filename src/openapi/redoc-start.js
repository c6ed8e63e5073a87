// ReDoc has no dark mode, so a dark theme is applied if the browser prefers one.
const dark = {
  colors: {
    // Used both as the background of white text and as a colour on white.
    primary: { main: "#3b74d1" },
    success: { main: "#7cc98a" },
    warning: { main: "#e0b45c" },
    error: { main: "#f08b85" },
    text: { primary: "#e3e5ea", secondary: "#b4b8c2" },
    border: { dark: "#3a3f4a", light: "#2c3038" },
    http: { get: "#2f7d32", post: "#1f6fb2", patch: "#8a6100", delete: "#b3402f" },
  },
  schema: { nestedBackground: "#1d2026", typeNameColor: "#b4b8c2", typeTitleColor: "#b4b8c2" },
  sidebar: { backgroundColor: "#1d2026", textColor: "#e3e5ea", activeTextColor: "#8ab4f8" },
  rightPanel: { backgroundColor: "#101216" },
  typography: {
    links: { color: "#8ab4f8", hover: "#b3cdfa", visited: "#8ab4f8" },
    code: { backgroundColor: "#22262e", color: "#f0a37e" },
  },
};
const { matches } = matchMedia("(prefers-color-scheme: dark)");

Redoc.init(
  "openapi.json",
  {
    disableSearch: false,
    hideDownloadButton: false,
    nativeScrollbars: true,
    ...(matches && { theme: dark }),
  },
  document.getElementById("redoc"),
);
