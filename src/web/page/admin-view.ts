import { element } from "./element.ts";
import type { View } from "./router.ts";
import { text } from "./texts/text.ts";

/** What superusers manage. */
export const adminView = (): View => ({
  title: text("admin"),
  content: element(
    "div",
    { className: "page" },
    element("h1", { textContent: text("admin") }),
    ...(["users", "posts", "reports", "invitations"] as const).map((part) =>
      element(
        "section",
        { id: `admin-${part}`, attributes: { "aria-labelledby": `admin-${part}-title` } },
        element("h2", { id: `admin-${part}-title`, textContent: text(part) }),
      ),
    ),
  ),
});
