// What a person can do to a step or a run, and what is asked of them before: who they are, evidence, a reason.

import { act, pathOf } from "./act.js";
import { ApiError, request, serverNow } from "./api.js";
import { ask } from "./dialog.js";
import { fieldsOf, filesOf, givenTo } from "./evidence.js";
import { evidenceFor, rolesInOrder } from "./run_words.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./dialog.js").Field} Field */
/** @typedef {import("./run_words.js").Run} Run */
/** @typedef {import("./run_words.js").Step} Step */
/** @typedef {import("./run_words.js").Actor} Actor */

const NEEDS_WHY = new Set(["skip", "back"]);
const PHOTO_TIMEOUT_MS = 120_000;

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
      ...evidence.flatMap((one) => fieldsOf(one, words, serverNow())),
      { name: "why", kind: "long", label: desk.t(NEEDS_WHY.has(action) ? "field.reason" : "field.note"), required: NEEDS_WHY.has(action) },
    ],
    confirm: desk.t(`step.act.${action}`),
  });
  if (!answer) return null;
  onSend();
  const photos = await send(desk, filesOf(evidence, answer));
  if ("kind" in photos) return photos;
  const body = { action, role: answer.role, why: answer.why, evidence: givenTo(evidence, answer, photos.ids) };
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
      ...run.close.evidence.flatMap((one) => fieldsOf(one, desk.words, serverNow())),
      { name: "why", kind: "long", label: desk.t("field.reason"), required: true },
    ],
    confirm: title,
  });
  if (!answer) return null;
  onSend();
  const body = { role: answer.role, why: answer.why, evidence: givenTo(run.close.evidence, answer) };
  return act(desk, `/runs/${pathOf(run.id)}/close`, body);
}

/** @param {Desk} desk @param {Actor[]} roles @returns {Field} */
function roleField(desk, roles) {
  const options = roles.map((one) => ({ value: one.id, label: desk.words.pick(one.title) }));
  return { name: "role", kind: "choice", label: desk.t("field.role"), options, required: true };
}

/**
 * Photos go before the evidence that names them.
 * @param {Desk} desk
 * @param {(readonly [string, any])[]} files
 * @returns {Promise<{ids: Record<string, string>} | import("./act.js").Outcome>} ids by the evidence, or why it was refused
 */
async function send(desk, files) {
  /** @type {Record<string, string>} */
  const ids = {};
  try {
    for (const [evidence, file] of files) {
      ids[evidence] = (await request("/photos", { method: "POST", body: file, timeoutMs: PHOTO_TIMEOUT_MS })).id;
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { kind: "refused", text: error.text(desk.words) };
  }
  return { ids };
}
