import { api, type Report } from "./api.ts";
import { attempt } from "./attempt.ts";
import { deletePost } from "./delete-post.ts";
import { button, element } from "./element.ts";
import { pagedList } from "./paged-list.ts";
import { onPostChanges } from "./post-changes.ts";
import { postSummary } from "./post-summary.ts";
import { section } from "./section.ts";
import { text } from "./texts/text.ts";
import { thumbnail } from "./thumbnail.ts";
import { timeAgo } from "./time-ago.ts";

/** The reports of posts that still exist, newest first. */
export function reportsSection(signal: AbortSignal): HTMLElement {
  /** A post may have several reports. */
  const rows = new Set<ReportRow>();
  const list = pagedList<Report>({
    emptyText: text("noReports"),
    async load(cursor) {
      const { reports, next_cursor } = await api.reports(cursor);
      return { items: reports, next_cursor };
    },
    row(report, gone) {
      const row: ReportRow = {
        report,
        element: element("li", {}),
        remove() {
          rows.delete(row);
          gone();
        },
      };
      rows.add(row);
      show(row);
      return row.element;
    },
  });
  const ofPost = (id: string) => [...rows].filter(({ report }) => report.post.id === id);
  onPostChanges(
    {
      edited(post) {
        for (const row of ofPost(post.id)) {
          row.report = { ...row.report, post };
          show(row);
        }
      },
      deleted: (post) => ofPost(post.id).forEach((row) => row.remove()),
    },
    signal,
  );
  return section("admin-reports", text("reports"), list.content);
}

interface ReportRow {
  report: Report;
  readonly element: HTMLLIElement;
  /** Removes the row from the list. */
  remove(): void;
}

function show({ report, element: row, remove }: ReportRow): void {
  const { id, post, reason, reporter, created_at } = report;
  const dismiss = () =>
    attempt(async () => {
      await api.dismissReport(id);
      remove();
      return text("dismissed");
    });
  const by = text("reportedBy", { name: reporter.name ?? reporter.email });
  row.replaceChildren(
    thumbnail(post),
    element(
      "div",
      { className: "about" },
      ...postSummary(post),
      element("blockquote", { className: "reason", textContent: reason, dir: "auto" }),
      element("small", {}, `${by} · `, timeAgo(created_at)),
    ),
    element(
      "div",
      { className: "row" },
      button(text("dismiss"), dismiss),
      button(text("deletePost"), () => deletePost(post), { className: "danger" }),
    ),
  );
}
