// An interlock in words. Pure.

/** @typedef {import("./duty.js").Interlock} Interlock */
/** @typedef {import("./duty.js").Effect} Effect */
/** @typedef {import("./i18n.js").Words} Words */
/** @typedef {"normal" | "notice" | "warning" | "alarm"} Level */

/** Shape, beside the word and the colour. @type {Record<string, {sign: string, level: Level}>} */
const STATUS = {
  waiting: { sign: "…", level: "notice" },
  issued: { sign: "→", level: "notice" },
  done: { sign: "✓", level: "notice" },
  failed: { sign: "✕", level: "alarm" },
  held: { sign: "‖", level: "warning" },
  absent: { sign: "–", level: "normal" },
  shadow: { sign: "○", level: "notice" },
};
/** What an effect moves, as its action names it, or that a station is expected to move it; else a person is asked. */
const KINDS = ["valve", "fan", "intake", "expect"];
const UNLISTED = { sign: "?", level: /** @type {Level} */ ("warning") };

/** @param {Effect} effect */
export function signOf(effect) {
  return STATUS[effect.status] ?? UNLISTED;
}

/**
 * @param {Effect} effect
 * @param {Words} words
 */
export function statusText(effect, words) {
  const kind = KINDS.find((one) => effect.action.includes(one)) ?? "person";
  for (const key of [`effect.${kind}.${effect.status}`, `effect.${effect.status}`]) if (words.has(key)) return words.t(key);
  return effect.status;
}

/**
 * Why it is held: each missing permissive in words (safety rule S1).
 * @param {Effect} effect
 * @param {Words} words
 */
export function reasonTexts(effect, words) {
  return effect.reason.map((one) => (words.has(`held.${one}`) ? words.t(`held.${one}`) : one));
}

/**
 * @param {Effect} effect
 * @param {Words} words
 */
export function actionText(effect, words) {
  const key = effect.action === "expect" ? `effect.proof.${effect.effect}` : `effect.action.${effect.action}`;
  return words.has(key) ? words.t(key) : effect.action;
}

/**
 * The effects to show: two causes that ask for the same, with the same result, are one row.
 * @param {Interlock} interlock
 */
export function shownEffects(interlock) {
  const keyOf = (/** @type {Effect} */ one) =>
    [one.action, one.action === "expect" ? one.effect : "", one.device, one.status, ...one.reason].join(" ");
  return [...new Map(interlock.effects.map((one) => [keyOf(one), one])).values()];
}

/** A final element that did not do what it was told: gas may still flow. @param {Interlock} interlock */
export function failures(interlock) {
  return interlock.effects.filter((one) => one.status === "failed");
}

/**
 * How the interlock stands: failed to act before tripped before unknown.
 * @param {Interlock} interlock
 * @returns {{word: "failed" | "unproven" | "seen" | "tripped" | "unknown" | "armed" | "observe" | "unlisted", level: Level}}
 */
export function standing(interlock) {
  if (interlock.mode === "observe" && interlock.state === "tripped")
    return { word: failures(interlock).length ? "unproven" : "seen", level: "alarm" };
  if (failures(interlock).length) return { word: "failed", level: "alarm" };
  if (interlock.state === "tripped") return { word: "tripped", level: "alarm" };
  if (interlock.state === "unknown") return { word: "unknown", level: "warning" };
  if (interlock.state !== "armed") return { word: "unlisted", level: "warning" };
  return interlock.mode === "act" ? { word: "armed", level: "normal" } : { word: "observe", level: "normal" };
}

const ORDER = { failed: 0, unproven: 0, tripped: 1, seen: 1, unlisted: 2, unknown: 3, armed: 4, observe: 4 };

/**
 * Failed ones first, then tripped, the newest of them first, then those with a closed valve; what is real before a drill.
 * @param {Interlock} one
 * @param {Interlock} other
 */
export function byNeed(one, other) {
  const [mine, yours] = [needOf(one), needOf(other)];
  for (let at = 0; at < mine.length; at += 1) if (mine[at] !== yours[at]) return mine[at] - yours[at];
  return one.id < other.id ? -1 : 1;
}

/** @param {Interlock} interlock */
function needOf(interlock) {
  const { origin, tripped_at: trippedAt, closed } = interlock;
  return [Number(origin !== "live"), ORDER[standing(interlock).word], -(Date.parse(trippedAt ?? "") || 0), Number(!closed.length)];
}
