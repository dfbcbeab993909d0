// What a point's newest sample means to the person at the desk. Pure: the time is an argument.
//
// Trust and level are two things: a value that is not trusted can still be an alarm (safety rule S3), and
// nothing here makes a value look better than it is. What this does not do: judge limits; that is the gateway's.

/** @typedef {import("./api.js").Point} Point */
/** @typedef {import("./store.js").Sample} Sample */
/** @typedef {"normal" | "notice" | "warning" | "alarm"} Level */
/** @typedef {"good" | "uncertain" | "bad" | "stale" | "absent"} Trust */
/** `own` is the level of the value alone, before trust. @typedef {{level: Level, own: Level, trust: Trust, quality: string}} Condition */

/** After this long without a reading a value is shown as old: no sooner than three periods of a gas detector. */
export const STALE_MS = 30_000;

/** The same for what has no role and is not for life safety: a board tells of itself (memory, starts) once a minute. */
export const ASIDE_STALE_MS = 180_000;

/** @type {readonly Level[]} */
export const LEVELS = ["normal", "notice", "warning", "alarm"];

/** Flags that say «this detector cannot be relied upon». */
const HEALTH_ROLES = new Set(["fault-bit", "warm-up-bit", "expired-bit"]);

/**
 * States of final elements by role, then by the name in the profile. What is not listed is normal.
 * @type {Record<string, Record<string, Level>>}
 */
const STATE_LEVELS = {
  valve: { closed: "notice", moving: "notice", unknown: "warning", fault: "alarm" },
  fan: { running: "notice", unknown: "warning", fault: "alarm" },
};

/**
 * @param {Level} one
 * @param {Level} other
 * @returns {Level} the one that asks for more attention
 */
export function higher(one, other) {
  return LEVELS.indexOf(other) > LEVELS.indexOf(one) ? other : one;
}

/**
 * @param {Point} point
 * @param {Sample | undefined} sample
 * @param {number} now ms, the server's clock
 * @returns {Condition}
 */
export function judge(point, sample, now) {
  if (!sample) {
    return { level: point.life_safety ? "warning" : "normal", own: "normal", trust: "absent", quality: "absent" };
  }
  const trust = trustOf(point, sample, now);
  const quality = trust === "stale" ? "stale" : sample.quality;
  const own = valueLevel(point, sample);
  return { level: trust === "good" ? own : higher(own, "warning"), own, trust, quality };
}

/**
 * Whether a life-safety point cannot be relied upon now; counted in the health strip (safety rule S6).
 * @param {Point} point
 * @param {Condition} condition
 */
export function isBlind(point, condition) {
  return point.life_safety && condition.trust !== "good";
}

/**
 * @param {Point} point
 * @param {Sample} sample
 * @param {number} now
 * @returns {Trust}
 */
function trustOf(point, sample, now) {
  const severity = sample.quality.split(":", 1)[0];
  // What we cannot read is not good.
  if (severity !== "good") return severity === "uncertain" ? "uncertain" : "bad";
  if (sample.value === null) return "absent";
  const aside = !point.life_safety && !point.final_element && !point.role;
  return now - sample.seen > (aside ? ASIDE_STALE_MS : STALE_MS) ? "stale" : "good";
}

/**
 * @param {Point} point
 * @param {Sample} sample
 * @returns {Level}
 */
function valueLevel(point, sample) {
  if (point.life_safety && sample.quality === "bad:over-range") return "alarm";
  if (point.type === "flag") {
    if (!sample.value) return "normal";
    if (point.life_safety) return "alarm";
    return HEALTH_ROLES.has(point.role ?? "") ? "warning" : "notice";
  }
  if (point.type !== "enum") return "normal";
  const state = point.states.find((one) => one.code === sample.value);
  if (!state) return "warning";
  return STATE_LEVELS[point.role ?? ""]?.[state.name] ?? "normal";
}
