import { maxNameLength } from "../../limits.ts";
import { element } from "./element.ts";
import { settings } from "./settings.ts";
import { language, text } from "./texts/text.ts";

/** A field of a form. */
export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type?: "text" | "email" | "password" | "multiline" | "number";
  /** The limits of a number. */
  readonly range?: { readonly min: string; readonly max: string };
  readonly autocomplete?: AutoFill;
  readonly value?: string;
  /** A sentence below the field. */
  readonly hint?: string;
  readonly optional?: boolean;
  /** In UTF-16 code units. The service counts code points, of which one may take two units. */
  readonly maxLength?: number;
  /** In code points, as the service counts. The field shows how many are used. */
  readonly maxCharacters?: number;
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

/** Creates a field with its label and notes. */
export function createField(field: Field): HTMLElement {
  const { name, label, type = "text", autocomplete = "off", value = "", hint, optional = false } = field;
  const common = { name, value, required: !optional, ...(field.maxLength && { maxLength: field.maxLength }) };
  const { maxCharacters } = field;
  const input =
    type === "multiline"
      ? element("textarea", { ...common, rows: 3, dir: "auto" })
      : element("input", { ...common, type, autocomplete, ...field.range });
  // The notes stay outside the label, which is the accessible name of the field.
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
