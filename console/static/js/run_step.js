// One step of a run: in full while it is to be done now, in one line before and after.

import { clockText, spanText } from "./alarm_words.js";
import { element, setText } from "./dom.js";
import { deadlineLeft, givenText, permissiveText, stepState } from "./run_words.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./run_words.js").Step} Step */

/** @param {Desk} desk @param {Step} step */
function marks(desk, step) {
  const text = step.verified ? `[${step.mark}]` : `[${step.mark}] ${desk.t("mark.unverified")}`;
  return [element("span", { class: step.verified ? "mark" : "mark unverified", title: desk.t(`step.mark.${step.mark}`) }, text)];
}

/**
 * A step that waits or is over.
 * @param {Desk} desk
 * @param {Step} step
 */
export function stepLine(desk, step) {
  const { words } = desk;
  const title = element("span", { class: "step-title" }, element("b", {}, step.id), " ", words.pick(step.title));
  const line = element("li", { class: "step line", "data-step": step.id, "data-state": step.state }, title);
  line.append(element("span", { class: "step-actor" }, words.pick(step.actor)));
  if (step.state === "waiting") {
    line.append(element("span", { class: "step-after" }, desk.t("step.after", { steps: step.after.join(desk.t("list.comma")) })));
    return line;
  }
  const sign = step.state === "done" ? "✓ " : "↷ ";
  const at = clockText(step.done_at, desk.site.time_zone, desk.now());
  line.append(element("span", { class: "step-done" }, `${sign}${stepState(step, words)} ${at} ${step.done_by}`));
  const given = givenText(step, words);
  if (given) line.append(element("span", { class: "step-given" }, given));
  return line;
}

/** A step that is to be done now. */
export class StepCard {
  /**
   * @param {Desk} desk
   * @param {Step} step
   * @param {{key: string, said?: {kind: string, text: string}, onAct: (action: string) => void}} parts
   */
  constructor(desk, step, { key, said, onAct }) {
    this.desk = desk;
    this.step = step;
    this.due = element("span", { class: "due" });
    const { words } = desk;
    const permissive = permissiveText(step, words);
    this.root = element(
      "li",
      { class: "step", "data-step": step.id, "data-state": step.state, "data-overdue": step.overdue },
      element(
        "div",
        { class: "step-head" },
        element("h4", {}, element("b", {}, step.id), " ", words.pick(step.title)),
        this.due,
      ),
      element(
        "p",
        { class: "step-facts" },
        element("span", { class: "step-actor" }, words.pick(step.actor)),
        element("span", { class: "step-state" }, stepState(step, words)),
        ...(step.inside ? [element("span", { class: "mark" }, desk.t("step.inside"))] : []),
        ...marks(desk, step),
      ),
    );
    if (permissive) this.root.append(this.permissive(permissive));
    if (step.else) this.root.append(element("p", { class: "else" }, element("b", {}, desk.t("step.else")), " ", words.pick(step.else)));
    if (step.evidence_items.length) this.root.append(this.evidence());
    if (desk.mayAct && step.actions.length) this.root.append(this.buttons(key, onAct));
    if (said) this.root.append(element("p", { class: "said", role: "status", "data-kind": said.kind }, said.text));
    this.tick(desk.now());
  }

  /** @param {{state: string, text: string, rule: string}} permissive */
  permissive({ state, text, rule }) {
    const { desk, step } = this;
    const condition = desk.words.pick(step.permissive?.text);
    const box = element("div", { class: "permissive", "data-held": state }, element("p", {}, element("strong", {}, text), " ", condition));
    const reasons = step.permissive?.reasons ?? [];
    if (reasons.length) box.append(element("ul", {}, ...reasons.map((one) => element("li", {}, desk.words.pick(one)))));
    if (rule) box.append(element("p", { class: "rule" }, rule));
    return box;
  }

  evidence() {
    const { desk, step } = this;
    const titles = step.evidence_items.map((one) => `${one.given ? "✓ " : ""}${desk.words.pick(one.title)}`);
    const text = `${desk.t("step.evidence")} ${titles.join(desk.t("list.comma"))}`;
    const after = step.evidence_after ? ` · ${desk.t("step.evidence-after")}` : "";
    return element("p", { class: "step-evidence" }, text + after);
  }

  /** @param {string} key @param {(action: string) => void} onAct */
  buttons(key, onAct) {
    const { desk, step } = this;
    const made = step.actions.map((action) => {
      const button = element("button", { type: "button", "data-act": action, "data-key": `${key} ${action}` }, desk.t(`step.act.${action}`));
      button.addEventListener("click", () => onAct(action));
      return button;
    });
    return element("div", { class: "buttons" }, ...made);
  }

  /** @param {number} now */
  tick(now) {
    const left = deadlineLeft(this.step, now);
    this.due.hidden = left === null;
    if (left === null) return;
    const over = this.step.overdue || left < 0;
    setText(this.due, this.desk.t(over ? "step.overdue" : "step.due", { span: spanText(Math.abs(left)) }));
    this.due.toggleAttribute("data-overdue", over);
  }
}
