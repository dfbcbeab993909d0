// What a person can do to an alarm, and what is asked of them before. Which of it is allowed now says the server.

import { roundSpan } from "./alarm_words.js";
import { ask } from "./dialog.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./duty.js").Alarm} Alarm */
/** @typedef {import("./dialog.js").Field} Field */

const MINUTES = [15, 30, 60, 120, 240, 480];
const HOURS = [1, 4, 8, 24, 72, 168];

/** Shown large beside the alarm; the rest stands among the details. */
export const FIRST = ["acknowledge", "reset", "unshelve", "unsuppress", "in-service"];

/** @type {Record<string, (desk: Desk, alarm: Alarm) => Promise<object | null>>} */
const QUESTIONS = {
  reset: askReset,
  shelve: (desk, alarm) => askSilence(desk, alarm, "shelve", MINUTES.map((minutes) => minutes * 60)),
  "out-of-service": (desk, alarm) => askSilence(desk, alarm, "out-of-service", HOURS.map((hours) => hours * 3600)),
  suppress: askWhy,
};

/** The acts that this page knows, in their order. @param {Alarm} alarm */
export function actsOf(alarm) {
  const known = [...FIRST, "shelve", "suppress", "out-of-service"];
  return known.filter((verb) => alarm.actions.includes(verb));
}

/**
 * What has to be sent for the act; null when the person turned back. Acknowledging asks nothing.
 * @param {Desk} desk
 * @param {Alarm} alarm
 * @param {string} verb
 * @returns {Promise<object | null>}
 */
export async function bodyOf(desk, alarm, verb) {
  return QUESTIONS[verb] ? QUESTIONS[verb](desk, alarm) : {};
}

/** @param {Desk} desk @param {Alarm} alarm */
function nameOf(desk, alarm) {
  return `${desk.words.pick(alarm.title)} · ${desk.words.pick(alarm.device_title)}`;
}

/** @param {Desk} desk @param {Alarm} alarm */
async function askReset(desk, alarm) {
  const calibrated = alarm.reset_needs === "on-site-calibration";
  /** @type {Field[]} */
  const fields = [{ name: "why", kind: "long", label: desk.t("field.note") }];
  if (calibrated) fields.unshift({ name: "on_site", kind: "check", label: desk.t("field.calibrated"), required: true });
  const answer = await ask(desk, {
    title: desk.t("alarm.reset.title"),
    lines: [nameOf(desk, alarm), desk.t("alarm.reset.moves-nothing")],
    fields,
    confirm: desk.t("alarm.act.reset"),
  });
  return answer && { why: answer.why, on_site: answer.on_site === true };
}

/**
 * @param {Desk} desk
 * @param {Alarm} alarm
 * @param {string} verb
 * @param {number[]} spans seconds
 */
async function askSilence(desk, alarm, verb, spans) {
  const life = alarm.class === "life-safety";
  const options = spans.map((seconds) => ({ value: String(seconds), label: roundSpan(seconds, desk.words) }));
  /** @type {Field[]} */
  const fields = [
    { name: "why", kind: "long", label: desk.t("field.reason"), required: true },
    { name: "for_s", kind: "choice", label: desk.t("field.duration"), options, required: true },
  ];
  if (verb === "out-of-service") {
    fields.push({ name: "measure", kind: "long", label: desk.t("field.measure"), required: life });
  }
  const lines = [nameOf(desk, alarm), desk.t(`alarm.${verb}.hint`)];
  const answer = await ask(desk, { title: desk.t(`alarm.act.${verb}`), lines, fields, confirm: desk.t(`alarm.act.${verb}`) });
  return answer && { why: answer.why, for_s: Number(answer.for_s), measure: answer.measure ?? "" };
}

/** @param {Desk} desk @param {Alarm} alarm */
async function askWhy(desk, alarm) {
  const title = desk.t("alarm.act.suppress");
  /** @type {Field[]} */
  const fields = [{ name: "why", kind: "long", label: desk.t("field.reason"), required: true }];
  const answer = await ask(desk, { title, lines: [nameOf(desk, alarm)], fields, confirm: title });
  return answer && { why: answer.why };
}
