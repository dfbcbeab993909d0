// Numbers, ages and times as people read them. Pure: language and zone are arguments.

/** @typedef {import("./i18n.js").Words} Words */
/** @typedef {import("./api.js").Point} Point */

/** What stands where there is no value. */
export const NO_VALUE = "—";

/** @type {Map<string, Intl.NumberFormat>} */
const numberFormats = new Map();
/** @type {Map<string, Intl.DateTimeFormat>} */
const dateFormats = new Map();

/**
 * @param {number} value
 * @param {number} decimals
 * @param {string} tag BCP 47
 */
export function numberText(value, decimals, tag) {
  const key = `${tag}/${decimals}`;
  let format = numberFormats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(tag, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    numberFormats.set(key, format);
  }
  // Rounding -0.04 must not show a minus sign without a number behind it.
  return format.format(Number(value.toFixed(decimals)) === 0 ? 0 : value);
}

/**
 * The value in words: a number with the profile's decimals, a flag as yes or no, a state by its title. A state that
 * the profile does not name is shown by its code.
 * @param {Point} point
 * @param {number | string | null | undefined} value
 * @param {Words} words
 */
export function valueText(point, value, words) {
  if (value === null || value === undefined) return NO_VALUE;
  if (point.type === "text" || typeof value === "string") return String(value);
  if (point.type === "flag") return words.t(value ? "flag.yes" : "flag.no");
  if (point.type === "enum") {
    const state = point.states.find((one) => one.code === value);
    return state ? words.pick(state.title) : words.t("state.unlisted", { code: value });
  }
  return numberText(value, point.decimals ?? 1, words.tag);
}

/** @param {Point} point */
export function unitText(point) {
  return point.unit_text ?? point.unit;
}

/**
 * @param {string} quality for example `bad:sensor-fault`
 * @param {Words} words
 */
export function qualityText(quality, words) {
  const key = `quality.${quality.replace(":", ".")}`;
  return words.has(key) ? words.t(key) : words.t("quality.unlisted", { code: quality });
}

/**
 * An age, coarse enough to stay calm: nothing moves for a device that reports.
 * @param {number} ms
 * @param {Words} words
 */
export function ageText(ms, words) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 10) return words.t("age.now");
  if (seconds < 60) return words.t("age.seconds", { n: seconds });
  if (seconds < 3600) return words.t("age.minutes", { n: Math.floor(seconds / 60) });
  if (seconds < 86_400) return words.t("age.hours", { n: Math.floor(seconds / 3600) });
  return words.t("age.days", { n: Math.floor(seconds / 86_400) });
}

/**
 * The parts of a time in a zone. A zone that the browser does not know is shown as UTC, and named so.
 * @param {number} ms UTC
 * @param {string} zone IANA name
 * @returns {{date: string, day: string, time: string, minute: string, zone: string}}
 */
export function timeParts(ms, zone) {
  /** @type {Record<string, string>} */
  const part = {};
  for (const one of dateFormat(zone).formatToParts(ms)) part[one.type] = one.value;
  const minute = `${part.hour}:${part.minute}`;
  return {
    date: `${part.year}-${part.month}-${part.day}`,
    day: `${part.month}-${part.day}`,
    time: `${minute}:${part.second}`,
    minute,
    zone: (part.timeZoneName ?? "UTC").replace("GMT", "UTC").replace(/\+0$/, ""),
  };
}

/** @param {string} zone */
function dateFormat(zone) {
  let format = dateFormats.get(zone);
  if (!format) {
    try {
      format = makeDateFormat(zone);
    } catch {
      format = makeDateFormat("UTC");
    }
    dateFormats.set(zone, format);
  }
  return format;
}

/** @param {string} timeZone */
function makeDateFormat(timeZone) {
  const two = /** @type {const} */ ("2-digit");
  return new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: two,
    day: two,
    hour: two,
    minute: two,
    second: two,
    timeZoneName: "shortOffset",
  });
}
