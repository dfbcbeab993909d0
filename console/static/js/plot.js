// How the chart is drawn: uPlot's options from a point, the texts and the page's colours.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { numberText, timeParts, unitText, valueText } from "./format.js";
import { valueRange } from "./series.js";

/** @typedef {import("./api.js").Point} Point */
/** @typedef {import("./i18n.js").Words} Words */
/** @typedef {import("./series.js").Columns} Columns */
/**
 * @typedef {{point: Point, words: Words, zone: string, rangeMs: number, now: () => number,
 *   onCursor: (index: number | null) => void}} PlotParts
 */

const FONT = '12px system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif';

/**
 * @param {HTMLElement} place
 * @param {PlotParts} parts
 * @returns {uPlot}
 */
export function makePlot(place, parts) {
  const { point, zone, rangeMs, now } = parts;
  const colour = (/** @type {string} */ name) => getComputedStyle(document.body).getPropertyValue(name).trim();
  const discrete = point.type === "flag" || point.type === "enum";
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  const line = { stroke: colour("--trace"), width: 1.75, points: { show: false }, ...(discrete ? { paths: stepped } : {}) };
  const marks = colour("--warning");
  const axis = { stroke: colour("--text-soft"), font: FONT, labelFont: FONT, grid: { stroke: colour("--grid"), width: 1 } };
  const options = {
    ...sizeOf(place),
    tzDate: (/** @type {number} */ s) => uPlot.tzDate(new Date(s * 1000), knownZone(zone)),
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { range: () => /** @type {[number, number]} */ ([(now() - rangeMs) / 1000, now() / 1000]) },
      y: { range: discrete ? stateRange(point) : numberRange(point) },
    },
    axes: [
      { ...axis, space: 72, values: (/** @type {uPlot} */ _u, /** @type {number[]} */ ticks) => timeTicks(ticks, zone, rangeMs) },
      { ...axis, ...valueAxis(parts, discrete) },
    ],
    series: [
      {},
      line,
      { stroke: colour("--trace"), paths: () => null, points: { show: true, size: 5, fill: colour("--trace") } },
      { stroke: marks, paths: () => null, points: { show: true, size: 7, width: 2, fill: colour("--panel") } },
      { stroke: colour("--trace-high"), width: 1, dash: [3, 3], points: { show: false } },
    ],
    hooks: { setCursor: [(/** @type {uPlot} */ u) => parts.onCursor(u.cursor.idx ?? null)] },
  };
  return new uPlot(/** @type {any} */ (options), [[], [], [], [], []], place);
}

/** @param {HTMLElement} place */
export function sizeOf(place) {
  return { width: Math.max(200, place.clientWidth), height: Math.max(160, place.clientHeight) };
}

/** @param {string} zone */
function knownZone(zone) {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone;
  } catch {
    return "UTC";
  }
}

/** @param {Point} point */
function numberRange(point) {
  return (/** @type {uPlot} */ _u, /** @type {number | null} */ low, /** @type {number | null} */ high) =>
    valueRange(low, high, point.decimals ?? 1);
}

/** @param {Point} point */
function codesOf(point) {
  return point.type === "flag" ? [0, 1] : point.states.map((one) => one.code);
}

/** @param {Point} point */
function stateRange(point) {
  const codes = codesOf(point);
  const range = /** @type {[number, number]} */ ([Math.min(...codes, 0) - 0.25, Math.max(...codes, 1) + 0.25]);
  return () => range;
}

/**
 * @param {PlotParts} parts
 * @param {boolean} discrete
 */
function valueAxis({ point, words }, discrete) {
  if (discrete) {
    const codes = codesOf(point);
    return { size: 72, splits: () => codes, values: () => codes.map((code) => valueText(point, code, words)) };
  }
  const unit = unitText(point);
  const decimalsOf = (/** @type {number} */ step) => Math.max(0, Math.min(6, Math.ceil(-Math.log10(step) - 1e-9)));
  return {
    size: 56,
    label: unit || undefined,
    labelSize: unit ? 20 : 0,
    values: (/** @type {uPlot} */ _u, /** @type {number[]} */ ticks) => {
      const decimals = ticks.length > 1 ? decimalsOf(ticks[1] - ticks[0]) : (point.decimals ?? 1);
      return ticks.map((one) => numberText(one, decimals, words.tag));
    },
  };
}

/**
 * @param {number[]} ticks seconds
 * @param {string} zone
 * @param {number} rangeMs
 */
function timeTicks(ticks, zone, rangeMs) {
  let day = "";
  return ticks.map((one) => {
    const parts = timeParts(one * 1000, zone);
    const text = rangeMs <= 10 * 60_000 ? parts.time : parts.minute;
    const first = parts.day !== day;
    day = parts.day;
    return first && rangeMs > 3_600_000 ? `${text}\n${parts.day}` : text;
  });
}
