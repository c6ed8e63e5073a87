import { api, type Report } from "./api.ts";
import { attempt } from "./attempt.ts";
import { deletePost } from "./delete-post.ts";
import { button, element } from "./element.ts";
import { pagedList } from "./paged-list.ts";
import { onPostChanges } from "./post-changes.ts";
import { section } from "./section.ts";
import { text } from "./texts/text.ts";
import { thumbnail } from "./thumbnail.ts";
import { ago, fullDate } from "./times.ts";

/** The reports of posts that still exist, newest first. */
export function reportsSection(signal: AbortSignal): HTMLElement {
  /** A post may have several reports, which go with it. */
  const shown: { readonly post: string; readonly gone: () => void }[] = [];
  const list = pagedList<Report>({
    emptyText: text("noReports"),
    async load(cursor) {
      const { reports, next_cursor } = await api.reports(cursor);
      return { items: reports, next_cursor };
    },
    row(report, gone) {
      shown.push({ post: report.post.id, gone });
      return reportRow(report, gone);
    },
  });
  onPostChanges(
    {
      edited() {},
      deleted(post) {
        for (const other of shown) if (other.post === post.id) other.gone();
      },
    },
    signal,
  );
  return section("admin-reports", text("reports"), list.content);
}

function reportRow({ id, post, reason, reporter, created_at }: Report, dismissed: () => void): HTMLLIElement {
  const time = new Date(created_at);
  const dismiss = () =>
    attempt(async () => {
      await api.dismissReport(id);
      dismissed();
      return text("dismissed");
    });
  return element(
    "li",
    {},
    thumbnail(post),
    element(
      "div",
      { className: "about" },
      element("span", { className: "reason", textContent: reason, dir: "auto" }),
      element("small", {
        title: fullDate(time),
        textContent: `${text("reportedBy", { name: reporter.name ?? reporter.email })} · ${ago(time)}`,
      }),
    ),
    element(
      "div",
      { className: "row" },
      button(text("dismiss"), dismiss),
      button(text("deletePost"), () => deletePost(post), { className: "danger" }),
    ),
  );
}
