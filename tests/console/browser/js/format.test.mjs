import assert from "node:assert/strict";
import { test } from "node:test";

import { ageText, numberText, qualityText, timeParts, unitText, valueText } from "../../../../console/static/js/format.js";
import { point, valve, words } from "./desk_words.mjs";

const zh = words("zh");
const en = words("en");

test("a number has the decimals of its profile", () => {
  assert.equal(valueText(point(), 1.25, en), "1.3");
  assert.equal(valueText(point({ decimals: 2 }), 82.7, zh), "82.70");
  assert.equal(valueText(point({ decimals: 0 }), 12345, en), "12,345");
});

test("a value that rounds to zero has no minus sign", () => {
  assert.equal(numberText(-0.04, 1, "en-GB"), "0.0");
  assert.equal(numberText(-0.06, 1, "en-GB"), "-0.1");
});

test("no value is a dash, never a zero", () => {
  assert.equal(valueText(point(), null, en), "—");
  assert.equal(valueText(point({ type: "flag" }), undefined, en), "—");
});

test("flags and states are words", () => {
  assert.equal(valueText(point({ type: "flag" }), 1, zh), "是");
  assert.equal(valueText(point({ type: "flag" }), 0, en), "No");
  assert.equal(valueText(valve, 2, zh), "关");
});

test("a state that the profile does not name is shown by its code", () => {
  assert.equal(valueText(valve, 9, en), "unlisted state 9");
});

test("a point without unit shows none", () => {
  assert.equal(unitText(valve), "");
  assert.equal(unitText(point()), "%LEL");
});

test("a quality is in words, an unknown one is named", () => {
  assert.equal(qualityText("bad:sensor-fault", zh), "传感器故障");
  assert.equal(qualityText("bad:gremlins", en), "unknown quality (bad:gremlins)");
});

test("ages grow coarser", () => {
  const ages = [0, 9_999, 10_000, 59_999, 60_000, 3_600_000, 86_400_000 * 2];
  assert.deepEqual(ages.map((one) => ageText(one, en)), ["now", "now", "10 s ago", "59 s ago", "1 min ago", "1 h ago", "2 d ago"]);
});

test("times are in the zone of the site", () => {
  const parts = timeParts(Date.UTC(2026, 10, 20, 16, 30, 5), "Asia/Shanghai");
  assert.deepEqual(parts, { date: "2026-11-21", day: "11-21", time: "00:30:05", minute: "00:30", zone: "UTC+8" });
});

test("an unknown zone is shown as UTC and says so", () => {
  const parts = timeParts(Date.UTC(2026, 10, 20, 16, 30, 5), "Mars/Olympus");
  assert.equal(`${parts.time} ${parts.zone}`, "16:30:05 UTC");
});
