// What people write down for a step: the fields of the dialog, and what the API gets. Pure: the time is an argument.

/** @typedef {import("./i18n.js").Words} Words */
/** @typedef {import("./dialog.js").Field} Field */
/** @typedef {import("./run_words.js").Evidence} Evidence */
/** @typedef {Record<string, string | boolean | File>} Answer */

// The names of evidence are the plan's own: without a prefix one could be called «role».
const PREFIX = "evidence.";
const PHOTO = "photo:";

/**
 * @param {Evidence} one
 * @param {Words} words
 * @param {number} now ms since 1970
 * @returns {Field[]}
 */
export function fieldsOf(one, words, now) {
  const name = PREFIX + one.id;
  const title = words.pick(one.title);
  const plain = { name, kind: /** @type {const} */ ("text"), label: title, value: one.given, required: true };
  switch (one.kind) {
    case "count":
      return [{ ...plain, kind: "count", label: `${title} (≥ ${one.at_least})` }];
    case "reading":
      return [{ ...plain, kind: "number", label: `${title} (${one.unit})` }];
    case "time":
      return [{ ...plain, kind: "time", value: localTime(one.given ? Date.parse(one.given) : now) }];
    case "choice": {
      const options = one.options.map((option) => ({ value: option.id, label: words.pick(option.title) }));
      // nothing is chosen beforehand: the first answer would be given without being read
      return [{ ...plain, kind: "choice", options: [{ value: "", label: "—" }, ...options] }];
    }
    case "checklist":
      return one.options.map((option) => ({
        name: `${name}.${option.id}`,
        kind: "check",
        label: `${title}: ${words.pick(option.title)}`,
        required: true,
      }));
    case "photo":
      return [
        { name: `${name}.file`, kind: "file", label: title, required: false },
        { ...plain, label: `${title} · ${words.t("field.note")}`, required: false },
      ];
  }
  return [plain];
}

/**
 * @param {Evidence[]} evidence
 * @param {Answer} answer
 * @param {Record<string, string>} photos ids of the photos that were sent, by the id of the evidence
 * @returns {Record<string, string>} by the ids of the evidence; what is empty is left out
 */
export function givenTo(evidence, answer, photos = {}) {
  const given = evidence.map((one) => [one.id, textOf(one, answer, photos[one.id] ?? "")]);
  return Object.fromEntries(given.filter(([, text]) => text));
}

/** The files that the person chose, by the id of their evidence. @param {Evidence[]} evidence @param {Answer} answer */
export function filesOf(evidence, answer) {
  const chosen = evidence.map((one) => /** @type {const} */ ([one.id, answer[`${PREFIX}${one.id}.file`]]));
  return chosen.filter(([, file]) => file);
}

/** What was written down, in words. @param {Evidence} one @param {Words} words */
export function shown(one, words) {
  const titles = one.options.filter((option) => one.given.split(" ").includes(option.id)).map((option) => words.pick(option.title));
  if (titles.length) return titles.join(words.t("list.comma"));
  if (one.kind === "time" && one.given) return localTime(Date.parse(one.given)).replace("T", " ");
  return one.unit && one.given ? `${one.given} ${one.unit}` : one.given;
}

/** @param {Evidence} one @param {Answer} answer @param {string} photo */
function textOf(one, answer, photo) {
  const name = PREFIX + one.id;
  if (one.kind === "checklist") return one.options.filter((option) => answer[`${name}.${option.id}`]).map((option) => option.id).join(" ");
  const text = String(answer[name] ?? "");
  if (one.kind === "time" && text) return new Date(text).toISOString();
  return one.kind === "photo" && photo ? [PHOTO + photo, text].filter(Boolean).join(" ") : text;
}

/** As a control of a local time has it. @param {number} at ms since 1970 */
function localTime(at) {
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}
