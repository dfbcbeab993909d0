// A run of a response plan in words. Pure: the time is an argument.

import { shown } from "./evidence.js";

/** @typedef {import("./i18n.js").Text} Text */
/** @typedef {import("./i18n.js").Words} Words */
/** @typedef {import("./api.js").Area} Area */
/** @typedef {{id: string, title: Text}} Actor */
/**
 * @typedef {{id: string, kind: string, title: Text, at: string, at_least: number | null, unit: string | null,
 *   options: {id: string, title: Text}[], given: string}} Evidence
 */
/**
 * @typedef {{text: Text, state: string, verified: boolean, left_s: number, reasons: Text[],
 *   release_by: Actor | null}} Permissive
 */
/**
 * @typedef {{id: string, title: Text, actor: Text, state: string, mark: string, verified: boolean, after: string[],
 *   opened_at: string | null, deadline: string | null, overdue: boolean, done_at: string | null, done_by: string,
 *   why: string, evidence_items: Evidence[], evidence_after: boolean, inside: boolean, permissive: Permissive | null,
 *   else: Text | null, actions: string[], roles: Record<string, Actor[]>}} Step
 */
/**
 * @typedef {{id: string, plan: {id: string, title: Text, version: number}, notice: Text, area: Area, mode: string,
 *   stage: string, state: string, opened_at: string, closed_at: string | null,
 *   trigger: {alarm: string, rule: string}, steps: Step[], close: {by: Actor[], evidence: Evidence[]},
 *   log: {at: string, step: string, event: string, who: string, role: string, why: string, text: Text | null}[]}} Run
 */
/** @typedef {"ended" | "current" | "waiting"} Group */

const ENDED = new Set(["done", "skipped"]);
const AT_WORK = new Set(["open", "started"]);

/** @param {Step} step @returns {Group} */
export function groupOf(step) {
  if (ENDED.has(step.state)) return "ended";
  // A state of a later release is not hidden among those that wait.
  return step.state === "waiting" ? "waiting" : "current";
}

/**
 * @param {Run} run
 * @returns {Record<Group, Step[]>} each in the order of the plan
 */
export function grouped(run) {
  /** @type {Record<Group, Step[]>} */
  const groups = { ended: [], current: [], waiting: [] };
  for (const step of run.steps) groups[groupOf(step)].push(step);
  return groups;
}

/** @param {Step} step @param {Words} words */
export function stepState(step, words) {
  const key = `step.state.${step.state}`;
  return words.has(key) ? words.t(key) : step.state;
}

/** How much time is left, ms (negative: overdue); null where none is set. @param {Step} step @param {number} now */
export function deadlineLeft(step, now) {
  const due = Date.parse(step.deadline ?? "");
  return Number.isNaN(due) || groupOf(step) === "ended" ? null : due - now;
}

/**
 * How the sensor condition of the step stands, and that a person releases it all the same (safety rule S16).
 * @param {Step} step
 * @param {Words} words
 * @returns {{state: string, text: string, rule: string} | null}
 */
export function permissiveText(step, words) {
  const { permissive } = step;
  if (!permissive) return null;
  const key = `permissive.${permissive.state}`;
  const text = words.has(key) ? words.t(key) : permissive.state;
  const needsRelease = permissive.state !== "advisory" && !AT_WORK.has(step.state) && groupOf(step) !== "ended";
  return { state: permissive.state, text, rule: needsRelease ? words.t("permissive.rule") : "" };
}

/** What has to be written down for the act. @param {Step} step @param {string} action */
export function evidenceFor(step, action) {
  const at = { done: "finish", release: "release" }[action];
  return step.evidence_items.filter((one) => one.at === at);
}

/**
 * Whoever writes down what others report stands first: at the desk that is the usual case.
 * @param {Actor[]} roles
 * @param {Step} step
 */
export function rolesInOrder(roles, step) {
  const own = new Set(step.actor.zh.split("、"));
  return [...roles].sort((one, other) => Number(own.has(one.title.zh)) - Number(own.has(other.title.zh)));
}

/** Whether sensors decide something in this run now: then it has to be looked at again and again. @param {Run} run */
export function isWatched(run) {
  return run.steps.some((step) => groupOf(step) === "current" && step.permissive && step.permissive.state !== "advisory");
}

/** The newest call to withdraw that still holds: a step is suspended. @param {Run} run */
export function withdrawals(run) {
  return run.steps.filter((step) => step.state === "suspended");
}

/** What was written down, and by whom. @param {Step} step @param {Words} words */
export function givenText(step, words) {
  const given = step.evidence_items.filter((one) => one.given).map((one) => `${words.pick(one.title)}:${shown(one, words)}`);
  return [...given, step.why].filter(Boolean).join(" · ");
}

/** @param {string} event @param {Words} words */
export function eventText(event, words) {
  const key = `run.event.${event}`;
  return words.has(key) ? words.t(key) : event;
}
