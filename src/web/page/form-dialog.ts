import { createDialog, openDialog } from "./dialogs.ts";
import { element } from "./element.ts";
import { createForm, type FormOptions } from "./form.ts";
import { text } from "./texts/text.ts";

/**
 * Shows a form in a dialog, which closes once submitting succeeds.
 * @param explanation a sentence above the fields
 * @returns whether the form was submitted
 */
export async function formDialog(
  title: string,
  options: FormOptions,
  explanation?: string,
): Promise<boolean> {
  const cancel = element("button", { type: "button", textContent: text("cancel") });
  const form = createForm(
    {
      ...options,
      async submit(values) {
        const message = await options.submit(values);
        dialog.close("done");
        return message;
      },
    },
    cancel,
  );
  const dialog = createDialog(
    title,
    ...(explanation ? [element("p", { textContent: explanation })] : []),
    form,
  );
  cancel.addEventListener("click", () => dialog.close());
  return (await openDialog(dialog)) === "done";
}
