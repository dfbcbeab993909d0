// Valves and interlocks per zone: armed or tripped, what came first, what was done and whether it was read back.
//
// There is no button that opens a valve, here or anywhere: a reset releases the latch and moves nothing (S2).

import { act, pathOf } from "./act.js";
import { clockText, roundSpan } from "./alarm_words.js";
import { ask } from "./dialog.js";
import { element, setText } from "./dom.js";
import { actionText, byNeed, failures, reasonTexts, shownEffects, signOf, standing, statusText } from "./interlock_words.js";
import { redraw } from "./keep.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./duty.js").Interlock} Interlock */
/** @typedef {import("./duty.js").Effect} Effect */

/** @param {Desk} desk */
export default function mount(desk) {
  const panel = new InterlocksPanel(desk);
  desk.duty.subscribe((kind) => {
    if (kind === "interlocks") panel.draw();
  });
  desk.store.subscribe((kind) => {
    if (kind === "devices") panel.draw();
  });
  desk.on("language", () => panel.draw());
  panel.draw();
}

class InterlocksPanel {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    /** What was said to whoever asked, by interlock. @type {Map<string, {kind: string, text: string}>} */
    this.said = new Map();
    this.place = desk.slot("interlocks");
    this.heading = element("h2");
    this.list = element("ul", { class: "zones" });
    this.place.append(this.heading, this.list);
  }

  draw() {
    const { desk } = this;
    const all = [...desk.duty.interlocks.values()].sort(byNeed);
    this.place.hidden = !all.length;
    setText(this.heading, desk.t("panel.interlocks"));
    redraw(this.list, all.map((one) => this.zone(one)));
  }

  /** @param {Interlock} one */
  zone(one) {
    const { desk } = this;
    const { word, level } = standing(one);
    const head = element(
      "div",
      { class: "zone-head" },
      element("h3", {}, desk.words.pick(one.area.title)),
      element("span", { class: "standing", "data-level": level }, desk.t(`interlock.state.${word}`)),
      ...this.marks(one),
    );
    const root = element("li", { class: "zone", "data-interlock": one.id, "data-level": level }, head);
    const said = one.mode === "observe" ? "interlock.unproven" : "interlock.failed";
    if (failures(one).length) root.append(element("p", { class: "failed", role: "alert" }, desk.t(said)));
    root.append(...this.closed(one));
    if (one.causes.length) root.append(this.causes(one));
    if (one.effects.length) root.append(this.effects(one));
    root.append(...this.foot(one));
    return root;
  }

  /** @param {Interlock} one */
  marks(one) {
    const { desk } = this;
    const marks = [];
    if (one.origin !== "live") marks.push(element("span", { class: "mark origin" }, desk.t(`origin.${one.origin}`)));
    if (!one.verified && one.state === "tripped") marks.push(element("span", { class: "mark unverified" }, desk.t("mark.unverified")));
    return marks;
  }

  /** @param {Interlock} one */
  closed(one) {
    if (!one.closed.length) return [];
    const { desk } = this;
    const names = one.closed.map((id) => desk.words.pick(desk.store.devices.get(id)?.title) || id).join(desk.t("list.comma"));
    return [element("p", { class: "advice" }, element("span", {}, desk.t("valve.closed")), " ", element("span", { class: "which" }, names))];
  }

  /** @param {Interlock} one */
  causes(one) {
    const { desk } = this;
    const items = one.causes.map((cause, at) => {
      const text = `${cause.id} ${desk.words.pick(cause.title)}`;
      const when = element("time", {}, clockText(cause.at, desk.site.time_zone, desk.now()));
      const first = at === 0 ? [element("span", { class: "mark" }, desk.t("interlock.first-out"))] : [];
      return element("li", {}, when, " ", text, " ", ...first);
    });
    return element("ol", { class: "causes", "aria-label": desk.t("interlock.causes") }, ...items);
  }

  /** @param {Interlock} one */
  effects(one) {
    const rows = shownEffects(one).map((effect) => this.effect(effect));
    return element("ul", { class: "effects", "aria-label": this.desk.t("interlock.effects") }, ...rows);
  }

  /** @param {Effect} effect */
  effect(effect) {
    const { words } = this.desk;
    const { sign, level } = signOf(effect);
    const title = words.pick(effect.device_title) || effect.device || "";
    const row = element(
      "li",
      { "data-level": level, "data-action": effect.action, "data-status": effect.status },
      element("span", { class: "sign", "aria-hidden": "true" }, sign),
      element("span", { class: "action" }, actionText(effect, words), element("span", { class: "device" }, title)),
      element("span", { class: "status" }, statusText(effect, words)),
    );
    const reasons = reasonTexts(effect, words);
    if (reasons.length) row.append(element("ul", { class: "reasons" }, ...reasons.map((text) => element("li", {}, text))));
    return row;
  }

  /** @param {Interlock} one */
  foot(one) {
    const said = this.said.get(one.id);
    const parts = [];
    // what is only observed is not reset from here, but for what another matrix has left (S11, S15)
    const mayBeReset = one.mode === "act" || failures(one).length > 0;
    if (this.desk.mayAct && mayBeReset && one.state === "tripped" && one.origin === "live") {
      const button = element("button", { type: "button", "data-key": `reset ${one.id}` }, this.desk.t("interlock.reset"));
      button.addEventListener("click", () => void this.reset(one));
      parts.push(button);
    }
    if (said) parts.push(element("p", { class: "said", role: "status", "data-kind": said.kind }, said.text));
    return parts;
  }

  /** @param {Interlock} one */
  async reset(one) {
    const { desk } = this;
    const span = one.reset_after_s === null ? "?" : roundSpan(one.reset_after_s, desk.words);
    const answer = await ask(desk, {
      title: desk.t("interlock.reset"),
      lines: [desk.words.pick(one.area.title), desk.t("interlock.reset.moves-nothing"), desk.t("interlock.reset.needs", { span })],
      fields: [
        { name: "on_site", kind: "check", label: desk.t("field.on-site"), required: true },
        { name: "why", kind: "long", label: desk.t("field.note") },
      ],
      confirm: desk.t("interlock.reset"),
    });
    if (!answer) return;
    this.say(one.id, "", desk.t("act.sending"));
    const outcome = await act(desk, `/interlocks/${pathOf(one.id)}/reset`, { on_site: answer.on_site, why: answer.why });
    this.say(one.id, outcome.kind, outcome.kind === "done" ? "" : outcome.text);
  }

  /** @param {string} id @param {string} kind @param {string} text */
  say(id, kind, text) {
    if (text) this.said.set(id, { kind, text });
    else this.said.delete(id);
    this.draw();
  }
}
