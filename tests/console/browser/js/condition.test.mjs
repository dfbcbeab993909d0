import assert from "node:assert/strict";
import { test } from "node:test";

import { ASIDE_STALE_MS, STALE_MS, isBlind, judge } from "../../../../console/static/js/condition.js";
import { point, valve } from "./desk_words.mjs";

const NOW = 1_000_000;
const sample = (value, quality = "good", age = 0) => ({ value, quality, at: NOW - age, seen: NOW - age, order: NOW - age });
const alarmBit = point({ name: "alarm", type: "flag", role: "alarm-bit" });
const faultBit = point({ name: "fault", type: "flag", role: "fault-bit", life_safety: false });
const lid = point({ name: "lid", type: "flag", role: "lid", life_safety: false });
const flow = point({ name: "flow", role: null, life_safety: false });

const rows = [
  ["a good value", point(), sample(1.2), "normal", "good", "good"],
  ["a value that is merely high", point(), sample(60), "normal", "good", "good"],
  ["a broken sensor", point(), sample(0, "bad:sensor-fault"), "warning", "bad", "bad:sensor-fault"],
  ["warming up", point(), sample(3, "uncertain:warm-up"), "warning", "uncertain", "uncertain:warm-up"],
  ["over range is the highest level", point(), sample(103, "bad:over-range"), "alarm", "bad", "bad:over-range"],
  ["over range of a mere figure", flow, sample(103, "bad:over-range"), "warning", "bad", "bad:over-range"],
  ["a quality we do not know is bad", point(), sample(1, "splendid"), "warning", "bad", "splendid"],
  ["the device's alarm", alarmBit, sample(1), "alarm", "good", "good"],
  ["the device's alarm, not trusted", alarmBit, sample(1, "uncertain:clock"), "alarm", "uncertain", "uncertain:clock"],
  ["the device's alarm, old", alarmBit, sample(1, "good", STALE_MS + 1), "alarm", "stale", "stale"],
  ["no alarm", alarmBit, sample(0), "normal", "good", "good"],
  ["a fault bit", faultBit, sample(1), "warning", "good", "good"],
  ["a lid that stands open", lid, sample(1), "notice", "good", "good"],
  ["just not old", point(), sample(1, "good", STALE_MS), "normal", "good", "good"],
  ["old", point(), sample(1, "good", STALE_MS + 1), "warning", "stale", "stale"],
  ["an old lid", lid, sample(0, "good", STALE_MS + 1), "warning", "stale", "stale"],
  ["an old valve", { ...valve, role: null }, sample(1, "good", STALE_MS + 1), "warning", "stale", "stale"],
  ["a mere figure of a minute ago", flow, sample(5, "good", ASIDE_STALE_MS), "normal", "good", "good"],
  ["an old mere figure", flow, sample(5, "good", ASIDE_STALE_MS + 1), "warning", "stale", "stale"],
  ["never heard, for life safety", point(), undefined, "warning", "absent", "absent"],
  ["never heard, a mere figure", flow, undefined, "normal", "absent", "absent"],
  ["good without a value", point(), sample(null), "warning", "absent", "good"],
  ["an open valve", valve, sample(1), "normal", "good", "good"],
  ["a closed valve", valve, sample(2), "notice", "good", "good"],
  ["a faulty valve", valve, sample(4), "alarm", "good", "good"],
  ["a valve in a state that nobody named", valve, sample(77), "warning", "good", "good"],
];

for (const [name, one, what, level, trust, quality] of rows) {
  test(name, () => {
    const condition = judge(one, what, NOW);
    assert.deepEqual([condition.level, condition.trust, condition.quality], [level, trust, quality]);
  });
}

test("only a life-safety point that is not good is blind", () => {
  assert.equal(isBlind(point(), judge(point(), sample(1), NOW)), false);
  assert.equal(isBlind(point(), judge(point(), sample(1, "uncertain:warm-up"), NOW)), true);
  assert.equal(isBlind(point(), judge(point(), undefined, NOW)), true);
  assert.equal(isBlind(flow, judge(flow, undefined, NOW)), false);
});
