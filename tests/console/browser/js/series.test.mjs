import assert from "node:assert/strict";
import { test } from "node:test";

import { append, bucketColumns, columnsOf, dotsOf, gapOf, valueRange } from "../../../../console/static/js/series.js";

const dot = (s, value = 1, good = true) => ({ at: s * 1000, value, good });

test("a hole breaks the line", () => {
  const [xs, line] = columnsOf([dot(0), dot(2), dot(60), dot(62)], 6000);
  assert.deepEqual(xs, [0, 2, 2.001, 60, 62]);
  assert.deepEqual(line, [1, 1, null, 1, 1]);
});

test("a sample that is not good is marked and leaves the line", () => {
  const [, line, alone, marks] = columnsOf([dot(0), dot(2), dot(4, 7, false), dot(6), dot(8)], 6000);
  assert.deepEqual(line, [1, 1, null, 1, 1]);
  assert.deepEqual(marks, [null, null, 7, null, null]);
  assert.deepEqual(alone, [null, null, null, null, null]);
});

test("a good sample that stands alone is not lost", () => {
  const [, , alone] = columnsOf([dot(0), dot(2, 7, false), dot(4, 3), dot(6, 7, false)], 6000);
  assert.deepEqual(alone, [1, null, 3, null]);
});

test("a hole is three usual intervals, at least five seconds", () => {
  assert.equal(gapOf([dot(0), dot(10), dot(20), dot(300)]), 30_000);
  assert.equal(gapOf([dot(0), dot(1), dot(2)]), 5000);
  assert.equal(gapOf([]), 5000);
});

test("live samples are appended once, in order", () => {
  const dots = [dot(0)];
  assert.deepEqual([append(dots, dot(2)), append(dots, dot(2, 9)), append(dots, dot(1))], [true, false, false]);
  assert.deepEqual(dots, [dot(0), dot(2)]);
});

test("raw samples keep what is not good and sort by time", () => {
  const items = [
    { at: "2026-11-20T08:00:02.000Z", value: null, quality: "bad:comm-loss" },
    { at: "2026-11-20T08:00:00.000Z", value: 2, quality: "good" },
  ];
  const [first, second] = dotsOf(items);
  assert.deepEqual([first.value, first.good, second.value, second.good], [2, true, null, false]);
});

test("buckets stand in their middle, with the highest beside the mean and holes where nothing was measured", () => {
  const at = (s) => new Date(s * 1000).toISOString();
  const means = [{ at: at(0), value: 1 }, { at: at(60), value: 2 }, { at: at(120), value: null }, { at: at(180), value: 3 }];
  const highest = means.map((one) => ({ ...one, value: one.value === null ? null : one.value * 10 }));
  const [xs, line, alone, , tops] = bucketColumns(means, highest, 60_000);
  assert.deepEqual(xs, [30, 90, 150, 210]);
  assert.deepEqual(line, [1, 2, null, 3]);
  assert.deepEqual(alone, [null, null, null, 3]);
  assert.deepEqual(tops, [10, 20, null, 30]);
});

test("the range keeps zero in sight for a gas and not for a pressure", () => {
  assert.deepEqual(valueRange(0.2, 1.2, 1)[0], 0);
  assert.ok(valueRange(80, 82, 2)[0] > 79);
});

test("a flat line and an empty chart have a range", () => {
  for (const [low, high] of [[0, 0], [5, 5], [-3, -3], [null, null]]) {
    const [bottom, top] = valueRange(low, high, 1);
    assert.ok(top > bottom, `${low}..${high}`);
  }
});
