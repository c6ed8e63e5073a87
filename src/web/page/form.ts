import { element } from "./element.ts";
import { notify } from "./notice.ts";
import { settings } from "./settings.ts";
import { language, text } from "./texts/text.ts";
import { maxNameLength } from "../../limits.ts";

/** A field of a form. */
export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type?: "text" | "email" | "password" | "multiline" | "number" | "search";
  /** The limits of a number. */
  readonly range?: { readonly min: string; readonly max: string };
  readonly autocomplete?: AutoFill;
  readonly value?: string;
  /** A sentence below the field. */
  readonly hint?: string;
  readonly optional?: boolean;
  /** In UTF-16 code units; the service counts code points, so that this is never too strict by itself. */
  readonly maxLength?: number;
  /** Limit in code points, as the service counts, with a count below the field. */
  readonly maxCharacters?: number;
}

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

/** Fields that several forms have. */
export const commonFields = {
  name: (value?: string): Field => ({
    name: "name",
    label: text("name"),
    autocomplete: "name",
    optional: true,
    hint: text("nameHint"),
    maxLength: 2 * maxNameLength,
    ...(value && { value }),
  }),
  email: (value?: string): Field => ({
    name: "email",
    label: text("email"),
    type: "email",
    autocomplete: "email",
    ...(value && { value }),
  }),
  password: (label = text("password"), name = "password"): Field => ({
    name,
    label,
    type: "password",
    autocomplete: "current-password",
  }),
  newPassword: (label = text("password")): Field => ({
    name: "password",
    label,
    type: "password",
    autocomplete: "new-password",
    hint: text("passwordHint", { count: settings.passwordMinLength }),
  }),
} as const;

/**
 * Creates a form that shows errors next to its button and keeps the input when submitting fails. Passwords are cleared
 * afterwards.
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

function createField(field: Field): HTMLElement {
  const { name, label, type = "text", autocomplete = "off", value = "", hint, optional = false } = field;
  const common = { name, value, required: !optional, ...(field.maxLength && { maxLength: field.maxLength }) };
  const { maxCharacters } = field;
  const input =
    type === "multiline"
      ? element("textarea", { ...common, rows: 3, dir: "auto" })
      : element("input", { ...common, type, autocomplete, ...field.range });
  // Outside the label, so that the field's name is the label alone.
  const notes = [
    hint && element("small", { textContent: hint }),
    maxCharacters && characterCount(input, maxCharacters),
  ].filter((note) => note instanceof HTMLElement);
  for (const note of notes) note.id = `note-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  if (notes.length > 0) input.setAttribute("aria-describedby", notes.map(({ id }) => id).join(" "));
  return element("div", { className: "field" }, element("label", {}, label, input), ...notes);
}

/** Creates a count of the characters in a field. Beyond the limit, the form cannot be sent. */
function characterCount(input: HTMLInputElement | HTMLTextAreaElement, limit: number): HTMLElement {
  const count = element("small", { className: "count" });
  const update = () => {
    const used = [...input.value].length;
    const isOver = used > limit;
    count.textContent = text("characters", {
      used: used.toLocaleString(language),
      limit: limit.toLocaleString(language),
    });
    count.classList.toggle("error", isOver);
    input.ariaInvalid = String(isOver);
    input.setCustomValidity(isOver ? count.textContent : "");
  };
  input.addEventListener("input", update);
  update();
  return count;
}
