import { copy } from "./clipboard.ts";
import { createDialog, openDialog } from "./dialogs.ts";
import { element } from "./element.ts";
import { notify } from "./notice.ts";
import { text } from "./texts/text.ts";

/** Copies an address. Where the browser does not allow it, shows the address for the user to copy. */
export async function copyLink(address: string): Promise<void> {
  if (await copy(address)) notify(text("linkCopied"));
  else await showToCopy(text("copyByHand"), address);
}

/** Shows a text that the user can select and copy. */
async function showToCopy(title: string, value: string): Promise<void> {
  const field = element("input", {
    type: "text",
    value,
    readOnly: true,
    attributes: { "aria-label": title },
  });
  field.addEventListener("focus", () => field.select());
  await openDialog(
    createDialog(
      title,
      field,
      element(
        "form",
        { method: "dialog", className: "row end" },
        element("button", { type: "submit", textContent: text("close") }),
      ),
    ),
  );
}
