// The samples behind a chart: in time order, one per instant, with holes where nothing was measured. Pure.

/** @typedef {{at: number, value: number | null, good: boolean}} Dot `at` in ms */
/**
 * Columns for uPlot, x in seconds: the line, good samples that stand alone, samples that are not good, the highest.
 * @typedef {[number[], (number | null)[], (number | null)[], (number | null)[], (number | null)[]]} Columns
 */

const SHORTEST_GAP_MS = 5000;

/**
 * @param {{at: string, value: unknown, quality: string}[]} items raw samples as the API gives them
 * @returns {Dot[]}
 */
export function dotsOf(items) {
  const dots = items.map((one) => ({
    at: Date.parse(one.at),
    value: typeof one.value === "number" ? one.value : null,
    good: one.quality === "good",
  }));
  return dots.filter((one) => !Number.isNaN(one.at)).sort((one, other) => one.at - other.at);
}

/**
 * Adds a live sample; one that is not younger than the last is dropped (it comes back with the next load).
 * @param {Dot[]} dots
 * @param {Dot} dot
 * @returns {boolean} whether it was added
 */
export function append(dots, dot) {
  if (dots.length && dot.at <= dots[dots.length - 1].at) return false;
  dots.push(dot);
  return true;
}

/**
 * Three usual intervals without a sample are a hole.
 * @param {Dot[]} dots
 */
export function gapOf(dots) {
  const steps = dots.slice(1).map((one, index) => one.at - dots[index].at);
  steps.sort((one, other) => one - other);
  return Math.max(SHORTEST_GAP_MS, 3 * (steps[Math.floor(steps.length / 2)] ?? 0));
}

/**
 * @param {Dot[]} dots
 * @param {number} gapMs
 * @returns {Columns}
 */
export function columnsOf(dots, gapMs) {
  /** @type {Columns} */
  const columns = [[], [], [], [], []];
  const isGood = (/** @type {number} */ index) => Boolean(dots[index]?.good && dots[index].value !== null);
  const joins = (/** @type {number} */ one) =>
    isGood(one) && isGood(one + 1) && dots[one + 1].at - dots[one].at <= gapMs;
  dots.forEach((dot, index) => {
    if (index && dot.at - dots[index - 1].at > gapMs) row(columns, dots[index - 1].at + 1, null, null, null, null);
    const good = isGood(index);
    const alone = good && !joins(index) && !joins(index - 1);
    const value = dot.value;
    row(columns, dot.at, good ? value : null, alone ? value : null, dot.good ? null : value, null);
  });
  return columns;
}

/**
 * @param {{at: string, value: number | null}[]} means buckets of one width, oldest first
 * @param {{at: string, value: number | null}[]} highest the same buckets
 * @param {number} everyMs
 * @returns {Columns} the value of a bucket stands in its middle
 */
export function bucketColumns(means, highest, everyMs) {
  /** @type {Columns} */
  const columns = [[], [], [], [], []];
  const tops = new Map(highest.map((one) => [one.at, one.value]));
  let last = Number.NaN;
  means.forEach((one, index) => {
    const at = Date.parse(one.at) + everyMs / 2;
    if (at - last > 1.5 * everyMs) row(columns, last + 1, null, null, null, null);
    const alone = (means[index - 1]?.value ?? null) === null && (means[index + 1]?.value ?? null) === null;
    row(columns, at, one.value, alone ? one.value : null, null, tops.get(one.at) ?? null);
    last = at;
  });
  return columns;
}

/**
 * @param {Columns} columns
 * @param {number} at ms
 * @param {...(number | null)} values
 */
function row(columns, at, ...values) {
  columns[0].push(at / 1000);
  values.forEach((one, index) => /** @type {(number | null)[]} */ (columns[index + 1]).push(one));
}

/**
 * The y range: zero is kept in sight where values are never negative and not far from it; a flat line gets room.
 * @param {number | null} low
 * @param {number | null} high
 * @param {number} decimals
 * @returns {[number, number]}
 */
export function valueRange(low, high, decimals) {
  if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, 10 ** (1 - decimals)];
  const least = 5 * 10 ** -decimals;
  const bottom = low >= 0 && low <= 0.7 * high + least ? 0 : low;
  const span = Math.max(high - bottom, least);
  return [bottom === 0 ? 0 : bottom - 0.1 * span, bottom + 1.12 * span];
}
