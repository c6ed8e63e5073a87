import { adminPosts } from "./admin-posts.ts";
import { reportsSection } from "./admin-reports.ts";
import { statusList } from "./admin-status.ts";
import { usersSection } from "./admin-users.ts";
import { button, element } from "./element.ts";
import { invitationsSection } from "./invitations.ts";
import { focusSection } from "./section.ts";
import { text } from "./texts/text.ts";
import type { View, ViewContext } from "./views.ts";

/** The administration, for superusers. */
export function adminView({ signal }: ViewContext): View {
  const posts = adminPosts(signal);
  const sections = [
    usersSection(signal),
    posts.content,
    reportsSection(signal),
    invitationsSection("admin-invitations"),
  ];
  // Buttons, because fragments name views and cannot lead to a section.
  const parts = element(
    "nav",
    { className: "row", attributes: { "aria-label": text("adminParts") } },
    ...sections.map((part) =>
      button(part.querySelector("h2")!.textContent, () => {
        part.scrollIntoView();
        focusSection(part);
      }),
    ),
  );
  return {
    title: text("admin"),
    content: element(
      "div",
      { className: "admin" },
      element("h1", { textContent: text("admin") }),
      statusList(signal),
      parts,
      ...sections,
    ),
    list: posts.list,
  };
}
