// What a person can do to a step or a run, and what is asked of them before: who they are, evidence, a reason.

import { act, pathOf } from "./act.js";
import { ask } from "./dialog.js";
import { evidenceFor, rolesInOrder } from "./run_words.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./dialog.js").Field} Field */
/** @typedef {import("./run_words.js").Run} Run */
/** @typedef {import("./run_words.js").Step} Step */
/** @typedef {import("./run_words.js").Actor} Actor */
/** @typedef {import("./run_words.js").Evidence} Evidence */

const NEEDS_WHY = new Set(["skip", "back"]);

/**
 * @param {Desk} desk
 * @param {Run} run
 * @param {Step} step
 * @param {string} action
 * @param {() => void} onSend called when the person has confirmed
 * @returns {Promise<import("./act.js").Outcome | null>} null when the person turned back
 */
export async function actOnStep(desk, run, step, action, onSend) {
  const { words } = desk;
  const evidence = evidenceFor(step, action);
  const lines = [`${step.id} ${words.pick(step.title)}`];
  if (step.evidence_after && evidence.length) lines.push(desk.t("step.evidence-after"));
  if (action === "release") lines.push(desk.t("permissive.rule"));
  const answer = await ask(desk, {
    title: desk.t(`step.act.${action}`),
    lines,
    fields: [
      roleField(desk, rolesInOrder(step.roles[action] ?? [], step)),
      ...evidence.map((one) => evidenceField(desk, one)),
      { name: "why", kind: "long", label: desk.t(NEEDS_WHY.has(action) ? "field.reason" : "field.note"), required: NEEDS_WHY.has(action) },
    ],
    confirm: desk.t(`step.act.${action}`),
  });
  if (!answer) return null;
  onSend();
  const body = { action, role: answer.role, why: answer.why, evidence: given(evidence, answer) };
  return act(desk, `/runs/${pathOf(run.id)}/steps/${pathOf(step.id)}`, body);
}

/**
 * @param {Desk} desk
 * @param {Run} run
 * @param {() => void} onSend
 * @returns {Promise<import("./act.js").Outcome | null>}
 */
export async function closeRun(desk, run, onSend) {
  const title = desk.t("run.close");
  const answer = await ask(desk, {
    title,
    lines: [`${desk.words.pick(run.plan.title)} · ${desk.words.pick(run.area.title)}`, desk.t("run.close.hint")],
    fields: [
      roleField(desk, run.close.by),
      ...run.close.evidence.map((one) => evidenceField(desk, one)),
      { name: "why", kind: "long", label: desk.t("field.reason"), required: true },
    ],
    confirm: title,
  });
  if (!answer) return null;
  onSend();
  const body = { role: answer.role, why: answer.why, evidence: given(run.close.evidence, answer) };
  return act(desk, `/runs/${pathOf(run.id)}/close`, body);
}

/** @param {Desk} desk @param {Actor[]} roles @returns {Field} */
function roleField(desk, roles) {
  const options = roles.map((one) => ({ value: one.id, label: desk.words.pick(one.title) }));
  return { name: "role", kind: "choice", label: desk.t("field.role"), options, required: true };
}

/** @param {Desk} desk @param {Evidence} one @returns {Field} */
function evidenceField(desk, one) {
  const least = one.at_least === null ? "" : ` (≥ ${one.at_least})`;
  const kind = one.kind === "count" ? "count" : "text";
  // The names of evidence are the plan's own: without a prefix one could be called «role».
  return { name: `evidence.${one.id}`, kind, label: `${desk.words.pick(one.title)}${least}`, value: one.given, required: true };
}

/** @param {Evidence[]} evidence @param {Record<string, string | boolean>} answer */
function given(evidence, answer) {
  return Object.fromEntries(evidence.map((one) => [one.id, answer[`evidence.${one.id}`]]));
}
