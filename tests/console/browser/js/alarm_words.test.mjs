import assert from "node:assert/strict";
import { test } from "node:test";

import {
  announcement,
  badgeText,
  clockText,
  handledText,
  judgedText,
  marksOf,
  respondLeft,
  roundSpan,
  spanText,
  stateText,
} from "../../../../console/static/js/alarm_words.js";
import { valueNow } from "../../../../console/static/js/alarm_value.js";
import { Store } from "../../../../console/static/js/store.js";
import { device, point, words } from "./desk_words.mjs";
import { RAISED, alarm, iso } from "./duty_items.mjs";

const zh = words("zh");
const en = words("en");
const ZONE = "Asia/Shanghai";

test("a span reads as on a stopwatch", () => {
  const cases = [[-5, "0:00"], [7_999, "0:07"], [60_000, "1:00"], [754_000, "12:34"], [3_723_000, "1:02:03"]];
  for (const [ms, text] of cases) assert.equal(spanText(ms), text);
});

test("a round span has its largest unit", () => {
  const cases = [[10, "10 s"], [90, "90 s"], [900, "15 min"], [28_800, "8 h"], [604_800, "7 d"]];
  for (const [seconds, text] of cases) assert.equal(roundSpan(seconds, en), text);
});

test("the time to respond runs from the raise while the condition stands", () => {
  assert.equal(respondLeft(alarm(), RAISED + 20_000), 40_000);
  assert.equal(respondLeft(alarm({ state: "acknowledged" }), RAISED + 90_000), -30_000);
});

test("no clock runs where nothing is to be done against it", () => {
  for (const more of [{ active: false }, { state: "shelved" }, { respond_within_s: null }, { raised_at: null }]) {
    assert.equal(respondLeft(alarm(more), RAISED), null, JSON.stringify(more));
  }
});

test("a state of a later release is shown as it is", () => {
  assert.equal(stateText(alarm({ state: "latched-acknowledged" }), zh), "已恢复,锁存,待复位");
  assert.equal(stateText(alarm({ state: "parked" }), zh), "parked");
});

test("an unverified figure, a drill and a late alarm are marked", () => {
  const kinds = (more) => marksOf(alarm(more), en, ZONE).map((one) => one.kind);
  assert.deepEqual(kinds({}), ["level", "unverified"]);
  assert.deepEqual(kinds({ level: null, verified: true }), []);
  assert.deepEqual(kinds({ origin: "drill", late: true, orphan: true, verified: true }), ["origin", "level", "late", "orphan"]);
  const late = marksOf(alarm({ late: true }), zh, ZONE).find((one) => one.kind === "late");
  assert.equal(late.text, "迟到:发生于 16:00:00");
});

test("a time of another day has its date", () => {
  assert.equal(clockText(iso(RAISED), ZONE, RAISED + 1000), "16:00:00");
  assert.equal(clockText(iso(RAISED), ZONE, RAISED + 86_400_000), "11-20 16:00:00");
  assert.equal(clockText(null, ZONE, RAISED), "—");
});

test("who acknowledged is told while it lasts", () => {
  const by = { acknowledged_by: "li", acknowledged_at: iso(RAISED) };
  assert.equal(handledText(alarm({ ...by, state: "acknowledged" }), en, ZONE, RAISED), "acknowledged by li at 16:00:00");
  assert.equal(handledText(alarm({ ...by, state: "unacknowledged" }), en, ZONE, RAISED), "");
});

test("who silenced it, why and until when is told", () => {
  const silence = { silence_until: iso(RAISED), silenced_by: "li", silenced_why: "bump test" };
  const text = handledText(alarm({ ...silence, state: "out-of-service" }), en, ZONE, RAISED);
  assert.equal(text, "until 16:00:00 · li · bump test");
});

test("the value that was judged has the point's decimals", () => {
  assert.equal(judgedText(alarm(), point({ decimals: 2 }), en), "61.25 %LEL");
  assert.equal(judgedText(alarm(), undefined, en), "61.3 %LEL");
  assert.equal(judgedText(alarm({ value: null }), point(), en), "");
});

test("the badge names the most pressing alarm that calls, and how many do", () => {
  assert.equal(badgeText([alarm(), alarm({ id: "b" }), alarm({ state: "acknowledged" })], en), "(2) CRITICAL: Gas leak, level 2 ·");
  assert.equal(badgeText([alarm({ origin: "drill" }), alarm({ priority: "high" })], en), "");
});

test("what is read out has place and response", () => {
  assert.equal(announcement(alarm(), zh), "紧急报警:燃气泄漏 二级,厨房。疏散");
});

function stored(sample) {
  const store = new Store();
  store.setDevices([device("d:1")]);
  if (sample) store.applySnapshot({ "d:1": { methane: { quality: "good", at: iso(RAISED), ...sample } } }, RAISED);
  return { store, words: en };
}

test("the newest value stands beside the alarm, with what is wrong with it", () => {
  assert.deepEqual(valueNow(alarm(), stored({ value: 55 }), RAISED), { text: "55.0 %LEL", quality: "" });
  const lost = valueNow(alarm(), stored({ value: 55, quality: "bad:sensor-fault" }), RAISED);
  assert.deepEqual(lost, { text: "55.0 %LEL", quality: "sensor fault" });
  assert.equal(valueNow(alarm(), stored({ value: 55 }), RAISED + 60_000).quality, "no fresh reading");
});

test("an alarm of a drill never shows a real value", () => {
  assert.equal(valueNow(alarm({ origin: "drill" }), stored({ value: 1 }), RAISED).text, "61.3 %LEL");
});

test("without a value there is no number", () => {
  assert.deepEqual(valueNow(alarm({ value: null, quality: "bad:comm-loss" }), stored(), RAISED), { text: "—", quality: "communication lost" });
});
