import { element } from "./element.ts";
import { createForm, type FormOptions } from "./form.ts";
import { text } from "./texts/text.ts";

/**
 * Shows a modal dialog. The browser keeps the focus inside, closes the dialog on Escape and restores the focus. The Back
 * button of the browser closes it too, without leaving the view.
 * @param signal closes the dialog
 * @returns the dialog's return value once it is closed; empty unless a button of it was pressed
 */
export async function openDialog(dialog: HTMLDialogElement, signal?: AbortSignal): Promise<string> {
  const finished = new AbortController();
  const close = () => dialog.close();
  // The address stays, so that the router is not concerned.
  history.pushState({ ...history.state, dialog: true }, "");
  const popped = new Promise<void>((resolve) =>
    addEventListener(
      "popstate",
      () => {
        close();
        resolve();
      },
      { signal: finished.signal },
    ),
  );
  signal?.addEventListener("abort", close, { signal: finished.signal });
  const value = await showDialog(dialog, finished.signal);
  if (history.state?.dialog) {
    history.back();
    // Until then, a change of the address would be undone.
    await popped;
  }
  finished.abort();
  return value;
}

/**
 * Shows a modal dialog that has an address of its own, so that the router closes it.
 * @param signal ends the listeners of the dialog
 * @returns the dialog's return value once it is closed
 */
export function showDialog(dialog: HTMLDialogElement, signal: AbortSignal): Promise<string> {
  document.body.append(dialog);
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close(), { signal });
  const closed = new Promise<string>((resolve) =>
    dialog.addEventListener(
      "close",
      () => {
        dialog.remove();
        resolve(dialog.returnValue);
      },
      { once: true },
    ),
  );
  dialog.showModal();
  return closed;
}

/** Closes every open dialog without a return value. */
export function closeDialogs(): void {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
}

const dialogWith = (title: string, ...content: (Node | string)[]) =>
  element(
    "dialog",
    { className: "card", attributes: { "aria-label": title } },
    element("h2", { textContent: title }),
    ...content,
  );

/** Asks the user to confirm an action that cannot be undone; resolves to whether they did. */
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
  const dialog = dialogWith(
    title,
    ...(explanation ? [element("p", { textContent: explanation })] : []),
    form,
  );
  cancel.addEventListener("click", () => dialog.close());
  return (await openDialog(dialog)) === "done";
}

/** Shows a text that the user can select and copy. */
export async function showToCopy(title: string, value: string): Promise<void> {
  const field = element("input", {
    type: "text",
    value,
    readOnly: true,
    attributes: { "aria-label": title },
  });
  field.addEventListener("focus", () => field.select());
  await openDialog(
    dialogWith(
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
