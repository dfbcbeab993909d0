// Asks the person something before it is done: reasons, a duration, what was confirmed on site.

import { element, setText } from "./dom.js";

/** @typedef {import("./desk.js").Desk} Desk */
/**
 * `check`: a box that has to be ticked (if `required`). `long`: several lines. `count`: a whole number. `time`: local.
 * @typedef {{name: string, kind: keyof typeof INPUTS | "long" | "choice", label: string, required?: boolean,
 *   options?: {value: string, label: string}[], value?: string}} Field
 */
/** @typedef {string | boolean | File} Value */
/** @typedef {{title: string, lines?: string[], fields?: Field[], confirm: string}} Question */
/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Control */

/** What makes the one-line controls, by kind. */
const INPUTS = {
  check: { type: "checkbox" },
  text: { type: "text", maxlength: "2000" },
  count: { type: "text", maxlength: "9", inputmode: "numeric" },
  number: { type: "text", maxlength: "32", inputmode: "decimal" },
  time: { type: "datetime-local" },
  file: { type: "file", accept: "image/jpeg,image/png,image/webp" },
};

let made = 0;

/**
 * @param {Desk} desk
 * @param {Question} question
 * @returns {Promise<Record<string, Value> | null>} the values by name, null when the person turned back
 */
export function ask(desk, { title, lines = [], fields = [], confirm }) {
  // The dots of a button say that a dialog comes; here it is.
  const plain = (/** @type {string} */ text) => text.replace(/…$/, "");
  const id = `dialog-${(made += 1)}`;
  const fault = element("p", { class: "fault", role: "alert" });
  const controls = fields.map((field) => ({ field, control: controlOf(field, `${id}-${field.name}`) }));
  const cancel = element("button", { type: "button" }, desk.t("dialog.cancel"));
  const form = element(
    "form",
    { method: "dialog", novalidate: true },
    element("h2", { id }, plain(title)),
    ...lines.map((line) => element("p", {}, line)),
    ...controls.map(({ field, control }) => labelled(field, control, desk)),
    fault,
    element("div", { class: "dialog-actions" }, cancel, element("button", { type: "submit", class: "primary" }, plain(confirm))),
  );
  const dialog = element("dialog", { class: "ask", "aria-labelledby": id }, form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    /** @type {Record<string, Value> | null} */
    let answer = null;
    cancel.addEventListener("click", () => dialog.close());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const missing = controls.find(({ field, control }) => field.required && !valueOf(control));
      if (missing) {
        setText(fault, desk.t("dialog.missing", { what: missing.field.label }));
        return missing.control.focus();
      }
      answer = Object.fromEntries(controls.map(({ field, control }) => [field.name, valueOf(control)]));
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    dialog.showModal();
  });
}

/** @param {Control} control @returns {Value} */
function valueOf(control) {
  if (control instanceof HTMLInputElement && control.type === "checkbox") return control.checked;
  if (control instanceof HTMLInputElement && control.type === "file") return control.files?.[0] ?? "";
  return control.value.trim();
}

/**
 * @param {Field} field
 * @param {string} id
 * @returns {Control}
 */
function controlOf(field, id) {
  if (field.kind === "long") return element("textarea", { id, name: field.name, rows: "2", maxlength: "2000" });
  if (field.kind === "choice") {
    const options = (field.options ?? []).map((one) => element("option", { value: one.value }, one.label));
    return element("select", { id, name: field.name }, ...options);
  }
  const value = field.kind === "check" || field.kind === "file" ? {} : { value: field.value ?? "" };
  return element("input", { id, name: field.name, autocomplete: "off", ...INPUTS[field.kind], ...value });
}

/**
 * @param {Field} field
 * @param {Control} control
 * @param {Desk} desk
 */
function labelled(field, control, desk) {
  const label = element("label", { for: control.id }, field.label);
  if (field.kind === "check") return element("div", { class: "field check" }, control, label);
  if (!field.required) label.append(" ", element("span", { class: "optional" }, desk.t("dialog.optional")));
  return element("div", { class: "field" }, label, control);
}
