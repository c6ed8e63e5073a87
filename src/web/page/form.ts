import { element } from "./element.ts";
import { createField, type Field } from "./fields.ts";
import { notify } from "./notice.ts";

export interface FormOptions {
  /** The text of the button. */
  readonly button: string;
  /** Whether submitting cannot be undone. */
  readonly isDangerous?: boolean;
  readonly fields: readonly Field[];
  /**
   * @param values what the user entered, by field name
   * @returns a message for the user, if any
   * @throws an Error with a message, which the form shows
   */
  submit(values: Record<string, string>): Promise<string | void>;
}

/**
 * Creates a form that shows errors next to its button. A failure keeps the input; success clears passwords.
 * @param others buttons beside the form's own
 */
export function createForm(
  { button, isDangerous, fields, submit }: FormOptions,
  ...others: HTMLButtonElement[]
): HTMLFormElement {
  const error = element("p", { className: "error", attributes: { role: "alert" } });
  const send = element("button", {
    className: isDangerous ? "danger" : "primary",
    type: "submit",
    textContent: button,
  });
  const form = element(
    "form",
    { className: "stack" },
    ...fields.map(createField),
    error,
    others.length > 0 ? element("div", { className: "row end" }, ...others, send) : send,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.textContent = "";
    send.disabled = true;
    try {
      const values = Object.fromEntries(
        [...new FormData(form)].map(([name, value]) => [name, String(value)]),
      );
      const message = await submit(values);
      for (const input of form.querySelectorAll<HTMLInputElement>("input[type=password]")) input.value = "";
      if (message) notify(message);
    } catch (failure) {
      error.textContent = (failure as Error).message;
    } finally {
      send.disabled = false;
    }
  });
  return form;
}
