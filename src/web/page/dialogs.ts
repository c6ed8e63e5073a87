import { element } from "./element.ts";

/** Creates a dialog with a heading. */
export const createDialog = (title: string, ...content: (Node | string)[]) =>
  element(
    "dialog",
    { className: "card", attributes: { "aria-label": title } },
    element("h2", { textContent: title }),
    ...content,
  );

/**
 * Shows a modal dialog. The browser keeps the focus inside, closes the dialog on Escape and restores the focus. The
 * browser's Back button closes it too, without leaving the view.
 * @returns the dialog's return value once it is closed; empty unless a button of it was pressed
 */
export async function openDialog(dialog: HTMLDialogElement): Promise<string> {
  const finished = new AbortController();
  // The address stays the same, so the router does not react.
  history.pushState({ ...history.state, dialog: true }, "");
  const popped = new Promise<void>((resolve) =>
    addEventListener(
      "popstate",
      () => {
        dialog.close();
        resolve();
      },
      { signal: finished.signal },
    ),
  );
  const value = await showDialog(dialog, finished.signal);
  if (history.state?.dialog) {
    history.back();
    // Wait: going back would undo a change of the address made before it ends.
    await popped;
  }
  finished.abort();
  return value;
}

/**
 * Shows a modal dialog that has its own address, which the router closes.
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
