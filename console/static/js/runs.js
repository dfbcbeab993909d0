// The response plans that run: what is to be done now, by whom, until when; what is done, what comes.

import { clockText, spanText } from "./alarm_words.js";
import { ApiError, request } from "./api.js";
import { pathOf } from "./act.js";
import { element, setText } from "./dom.js";
import { redraw } from "./keep.js";
import { actOnStep, closeRun } from "./run_acts.js";
import { StepCard, stepLine } from "./run_step.js";
import { eventText, grouped, isWatched, withdrawals } from "./run_words.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./run_words.js").Run} Run */
/** @typedef {import("./run_words.js").Step} Step */

/** The stream tells of events; what sensors say in between has to be asked for. */
const LOOK_AGAIN_S = 5;

/** @param {Desk} desk */
export default function mount(desk) {
  const panel = new RunsPanel(desk);
  desk.duty.subscribe((kind) => {
    if (kind === "runs") panel.draw();
  });
  desk.on("language", () => panel.draw());
  desk.on("tick", () => panel.tick());
  panel.draw();
}

class RunsPanel {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    /** @type {StepCard[]} */
    this.cards = [];
    /** @type {{node: HTMLElement, run: Run}[]} */
    this.clocks = [];
    /** @type {Map<string, {kind: string, text: string}>} */
    this.said = new Map();
    this.beats = 0;
    this.place = desk.slot("response");
  }

  draw() {
    const runs = [...this.desk.duty.runs.values()].sort((one, other) => (one.opened_at < other.opened_at ? 1 : -1));
    this.place.hidden = !runs.length;
    this.cards = [];
    this.clocks = [];
    redraw(this.place, runs.map((one) => this.run(one)));
    this.tickClocks();
  }

  /** @param {Run} run */
  run(run) {
    const { desk } = this;
    const { words } = desk;
    const groups = grouped(run);
    const clock = element("span", { class: "since" });
    this.clocks.push({ node: clock, run });
    const opened = desk.t("run.opened", { at: clockText(run.opened_at, desk.site.time_zone, desk.now()), rule: run.trigger.rule || "—" });
    const root = element(
      "article",
      { class: "run", "data-run": run.id, "data-stage": run.stage, "data-mode": run.mode },
      element(
        "div",
        { class: "run-head" },
        element("h2", {}, words.pick(run.plan.title)),
        element("span", { class: "stage" }, desk.t(`run.stage.${run.stage}`)),
        ...(run.mode === "drill" ? [element("span", { class: "mark origin" }, desk.t("origin.drill"))] : []),
      ),
      element("p", { class: "where" }, `${words.pick(run.area.title)} · ${opened} · `, clock),
      element("p", { class: "run-notice" }, words.pick(run.notice)),
      element("p", { class: "run-minutes" }, desk.t("run.minutes")),
    );
    for (const step of withdrawals(run)) {
      root.append(element("p", { class: "failed", role: "alert" }, desk.t("run.withdraw", { step: step.id })));
    }
    root.append(this.current(run, groups.current), ...this.lines(run, groups.ended, "ended"), ...this.lines(run, groups.waiting, "waiting"), this.log(run));
    root.append(...this.foot(run));
    return root;
  }

  /** @param {Run} run @param {Step[]} steps */
  current(run, steps) {
    const made = steps.map((step) => {
      const key = `${run.id} ${step.id}`;
      const card = new StepCard(this.desk, step, { key, said: this.said.get(key), onAct: (action) => void this.act(run, step, action) });
      this.cards.push(card);
      return card.root;
    });
    return element("ol", { class: "steps", "aria-label": this.desk.t("run.now") }, ...made);
  }

  /** @param {Run} run @param {Step[]} steps @param {string} group */
  lines(run, steps, group) {
    if (!steps.length) return [];
    const summary = element("summary", { "data-key": `${run.id} ${group} summary` }, this.desk.t(`run.${group}`, { n: steps.length, all: run.steps.length }));
    const list = element("ol", { class: "steps" }, ...steps.map((step) => stepLine(this.desk, step)));
    return [element("details", { "data-key": `${run.id} ${group}` }, summary, list)];
  }

  /** @param {Run} run */
  log(run) {
    const { desk } = this;
    const rows = [...run.log].reverse().map((one) => {
      const what = [one.step, eventText(one.event, desk.words), one.who, one.why, desk.words.pick(one.text)].filter(Boolean).join(" · ");
      return element("li", {}, element("time", {}, clockText(one.at, desk.site.time_zone, desk.now())), " ", what);
    });
    const summary = element("summary", { "data-key": `${run.id} log summary` }, desk.t("run.log", { n: run.log.length }));
    return element("details", { "data-key": `${run.id} log` }, summary, element("ol", { class: "log" }, ...rows));
  }

  /** @param {Run} run */
  foot(run) {
    const said = this.said.get(run.id);
    const parts = [];
    if (this.desk.mayAct) {
      const button = element("button", { type: "button", class: "quiet", "data-key": `${run.id} close` }, this.desk.t("run.close"));
      button.addEventListener("click", () => void this.close(run));
      parts.push(button);
    }
    if (said) parts.push(element("p", { class: "said", role: "status", "data-kind": said.kind }, said.text));
    return parts;
  }

  /** @param {Run} run @param {Step} step @param {string} action */
  async act(run, step, action) {
    const key = `${run.id} ${step.id}`;
    const outcome = await actOnStep(this.desk, run, step, action, () => this.say(key, "", this.desk.t("act.sending")));
    if (outcome) this.say(key, outcome.kind, outcome.kind === "done" ? "" : outcome.text);
  }

  /** @param {Run} run */
  async close(run) {
    const outcome = await closeRun(this.desk, run, () => this.say(run.id, "", this.desk.t("act.sending")));
    if (outcome) this.say(run.id, outcome.kind, outcome.kind === "done" ? "" : outcome.text);
  }

  /** @param {string} key @param {string} kind @param {string} text */
  say(key, kind, text) {
    if (text) this.said.set(key, { kind, text });
    else this.said.delete(key);
    this.draw();
  }

  tick() {
    const now = this.desk.now();
    for (const card of this.cards) card.tick(now);
    this.tickClocks();
    this.beats += 1;
    if (this.beats % LOOK_AGAIN_S === 0) for (const run of this.desk.duty.runs.values()) if (isWatched(run)) void this.lookAgain(run);
  }

  tickClocks() {
    for (const { node, run } of this.clocks) {
      setText(node, this.desk.t("run.since", { span: spanText(this.desk.now() - Date.parse(run.opened_at)) }));
    }
  }

  /** @param {Run} run */
  async lookAgain(run) {
    try {
      const item = await request(`/runs/${pathOf(run.id)}`);
      // The stream may have brought a younger one, or its end, while this was under way.
      const known = this.desk.duty.runs.get(run.id);
      if (known && item.log.length >= known.log.length && JSON.stringify(item) !== JSON.stringify(known)) this.desk.duty.applyRun(item);
    } catch (error) {
      // A failure to ask shows as the state of the stream.
      if (!(error instanceof ApiError)) throw error;
    }
  }
}
