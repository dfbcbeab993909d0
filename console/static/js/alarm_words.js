// An alarm in words. Pure: the time and the texts are arguments.

import { calls, isSilenced, priorityOf } from "./duty.js";
import { numberText, timeParts, unitText, valueText } from "./format.js";

/** @typedef {import("./duty.js").Alarm} Alarm */
/** @typedef {import("./i18n.js").Words} Words */
/** @typedef {import("./api.js").Point} Point */

/**
 * A time to go or gone by, as on a stopwatch: 0:07, 12:30, 1:02:03.
 * @param {number} ms
 */
export function spanText(ms) {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
}

/**
 * A span in its largest whole unit: 30 s, 15 min, 8 h.
 * @param {number} seconds
 * @param {Words} words
 */
export function roundSpan(seconds, words) {
  if (seconds < 60 || seconds % 60) return words.t("span.seconds", { n: seconds });
  if (seconds < 3600) return words.t("span.minutes", { n: seconds / 60 });
  return seconds < 86_400 ? words.t("span.hours", { n: seconds / 3600 }) : words.t("span.days", { n: seconds / 86_400 });
}

/**
 * @param {Alarm} alarm
 * @param {Words} words
 */
export function stateText(alarm, words) {
  const key = `alarm.state.${alarm.state}`;
  return words.has(key) ? words.t(key) : alarm.state;
}

/**
 * @param {Alarm} alarm
 * @param {Words} words
 */
export function priorityText(alarm, words) {
  return words.t(`alarm.priority.${priorityOf(alarm)}`);
}

/**
 * What has to be known about the alarm beside its state: drill or simulated, late, silenced, unverified, orphan.
 * @param {Alarm} alarm
 * @param {Words} words
 * @param {string} zone
 * @returns {{kind: string, text: string}[]}
 */
export function marksOf(alarm, words, zone) {
  const marks = [];
  if (alarm.origin !== "live") marks.push({ kind: "origin", text: words.t(`origin.${alarm.origin}`) });
  if (alarm.level) marks.push({ kind: "level", text: words.t("alarm.level", { n: alarm.level }) });
  if (alarm.late) marks.push({ kind: "late", text: words.t("alarm.late", { at: clockText(alarm.sampled_at, zone) }) });
  if (alarm.orphan) marks.push({ kind: "orphan", text: words.t("alarm.orphan") });
  if (!alarm.verified) marks.push({ kind: "unverified", text: words.t("mark.unverified") });
  return marks;
}

/**
 * The time of day, with the date where it is not today's.
 * @param {string | null} iso
 * @param {string} zone
 * @param {number} [now]
 */
export function clockText(iso, zone, now) {
  const at = Date.parse(iso ?? "");
  if (Number.isNaN(at)) return "—";
  const { day, time } = timeParts(at, zone);
  return now === undefined || timeParts(now, zone).day === day ? time : `${day} ${time}`;
}

/**
 * How much of the time to respond is left, ms (negative: overdue); null where nothing is to be done against a clock.
 * @param {Alarm} alarm
 * @param {number} now
 */
export function respondLeft(alarm, now) {
  const raised = Date.parse(alarm.raised_at ?? "");
  if (!alarm.respond_within_s || Number.isNaN(raised) || !alarm.active || isSilenced(alarm)) return null;
  return raised + alarm.respond_within_s * 1000 - now;
}

/**
 * Who did what to it last.
 * @param {Alarm} alarm
 * @param {Words} words
 * @param {string} zone
 * @param {number} now
 */
export function handledText(alarm, words, zone, now) {
  if (isSilenced(alarm)) {
    const until = alarm.silence_until ? words.t("alarm.until", { at: clockText(alarm.silence_until, zone, now) }) : "";
    return [until, alarm.silenced_by, alarm.silenced_why].filter(Boolean).join(" · ");
  }
  if (!alarm.acknowledged_by || alarm.state.includes("unacknowledged")) return "";
  return words.t("alarm.acknowledged", { who: alarm.acknowledged_by, at: clockText(alarm.acknowledged_at, zone, now) });
}

/**
 * The value that the alarm was last judged by, for a point that the desk does not know.
 * @param {Alarm} alarm
 * @param {Point | undefined} point
 * @param {Words} words
 */
export function judgedText(alarm, point, words) {
  if (alarm.value === null) return "";
  if (point) return `${valueText(point, alarm.value, words)} ${unitText(point)}`.trim();
  return `${numberText(alarm.value, 1, words.tag)} ${alarm.unit_text}`.trim();
}

/**
 * What the window's title begins with while alarms call, empty otherwise.
 * @param {Alarm[]} alarms the most pressing first
 * @param {Words} words
 */
export function badgeText(alarms, words) {
  const calling = alarms.filter(calls);
  return calling.length ? words.t("alarm.badge", { n: calling.length, title: words.pick(calling[0].title) }) : "";
}

/**
 * What a screen reader says of an alarm that is new.
 * @param {Alarm} alarm
 * @param {Words} words
 */
export function announcement(alarm, words) {
  return words.t("alarm.announce", {
    priority: priorityText(alarm, words),
    title: words.pick(alarm.title),
    where: words.pick(alarm.area.title),
    what: alarm.response.map((one) => words.pick(one)).join(" "),
  });
}
