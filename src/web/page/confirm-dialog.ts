import { openDialog } from "./dialogs.ts";
import { element } from "./element.ts";
import { text } from "./texts/text.ts";

/** Asks the user to confirm an action that cannot be undone. @returns whether they did */
export async function askToConfirm(question: string, yes: string): Promise<boolean> {
  const answer = (value: string, label: string, className: string) =>
    element("button", { type: "submit", value, textContent: label, className });
  const dialog = element(
    "dialog",
    { className: "card", attributes: { "aria-label": question } },
    element("p", { textContent: question }),
    element(
      "form",
      { method: "dialog", className: "row end" },
      answer("no", text("cancel"), ""),
      answer("yes", yes, "danger"),
    ),
  );
  return (await openDialog(dialog)) === "yes";
}
