// The history behind a chart: which range is read how, and what the API gives for it.

import { items } from "./api.js";
import { bucketColumns, dotsOf } from "./series.js";

/** @typedef {import("./api.js").Point} Point */
/** @typedef {import("./desk.js").Choice} Choice */
/** @typedef {{key: string, from: string, ms: number, every?: string, everyMs?: number}} Range */

/** Longer ranges are read in buckets, with the highest of each: a mean alone would hide a short leak. */
/** @type {readonly Range[]} */
export const RANGES = [
  { key: "5m", from: "-5m", ms: 5 * 60_000 },
  { key: "30m", from: "-30m", ms: 30 * 60_000 },
  { key: "6h", from: "-6h", ms: 6 * 3_600_000, every: "1m", everyMs: 60_000 },
  { key: "24h", from: "-24h", ms: 24 * 3_600_000, every: "5m", everyMs: 300_000 },
];

/** The mean of states says nothing: a flag shows whether it was ever set, an enumeration its last state. */
/** @type {Partial<Record<string, string[]>>} */
const AGGREGATES = { flag: ["max"], enum: ["last"] };
const NUMBER_AGGREGATES = ["mean", "max"];

/**
 * How the line of a range is made: `raw`, or the name of an aggregate.
 * @param {Range} range
 * @param {Point | undefined} point
 */
export function kindOf(range, point) {
  return range.every ? (AGGREGATES[point?.type ?? ""] ?? NUMBER_AGGREGATES)[0] : "raw";
}

/**
 * @param {Choice} choice
 * @param {Range} range
 * @param {AbortSignal} signal
 */
export async function loadDots(choice, range, signal) {
  return dotsOf(await ask(choice, range, { limit: "10000" }, signal));
}

/**
 * @param {Choice} choice
 * @param {Point} point
 * @param {Range} range one with buckets
 * @param {AbortSignal} signal
 */
export async function loadBuckets(choice, point, range, signal) {
  const { every = "", everyMs = 0 } = range;
  const asked = AGGREGATES[point.type] ?? NUMBER_AGGREGATES;
  const [line, highest = []] = await Promise.all(asked.map((agg) => ask(choice, range, { every, agg }, signal)));
  return bucketColumns(line, highest, everyMs);
}

/**
 * @param {Choice} choice
 * @param {Range} range
 * @param {Record<string, string>} more
 * @param {AbortSignal} signal
 */
function ask({ device, point }, range, more, signal) {
  return items("/telemetry", { device, point, from: range.from, ...more }, signal);
}
