// The value that stands beside an alarm: the newest of its point, or what it was judged by.

import { judgedText } from "./alarm_words.js";
import { judge } from "./condition.js";
import { NO_VALUE, qualityText, unitText, valueText } from "./format.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./duty.js").Alarm} Alarm */

/**
 * The desk has live values of live origin only: an alarm of another origin shows what it was judged by.
 * @param {Alarm} alarm
 * @param {Pick<Desk, "store" | "words">} desk
 * @param {number} now
 * @returns {{text: string, quality: string}} `quality` in words, empty while it is good
 */
export function valueNow(alarm, { store, words }, now) {
  const point = store.devices.get(alarm.device)?.points.find((one) => one.name === alarm.point);
  const sample = alarm.origin === "live" && point ? store.sample(alarm.device, alarm.point) : undefined;
  if (!point || !sample) {
    const text = judgedText(alarm, point, words) || NO_VALUE;
    return { text, quality: alarm.quality === "good" ? "" : qualityText(alarm.quality, words) };
  }
  const condition = judge(point, sample, now);
  const text = `${valueText(point, sample.value, words)} ${unitText(point)}`.trim();
  return { text, quality: condition.trust === "good" ? "" : qualityText(condition.quality, words) };
}
