// One alarm of the list: how pressing, what, where, the value now, what to do, by when, and the buttons.

import { act, pathOf } from "./act.js";
import { FIRST, actsOf, bodyOf } from "./alarm_acts.js";
import { valueNow } from "./alarm_value.js";
import { clockText, handledText, marksOf, priorityText, respondLeft, spanText, stateText } from "./alarm_words.js";
import { element, setData, setText } from "./dom.js";
import { isSilenced, isUnacknowledged, priorityOf, rank } from "./duty.js";
import { shapeOf } from "./shape.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./duty.js").Alarm} Alarm */

export class AlarmRow {
  /**
   * @param {Alarm} alarm
   * @param {Desk} desk
   */
  constructor(alarm, desk) {
    this.alarm = alarm;
    this.desk = desk;
    this.lead = false;
    this.said = element("p", { class: "said", role: "status" });
    this.since = element("span", { class: "since" });
    this.value = element("span", { class: "now" });
    this.quality = element("span", { class: "note" });
    this.due = element("p", { class: "due" });
    this.buttons = element("div", { class: "buttons" });
    this.others = element("div", { class: "buttons" });
    this.details = element("details");
    this.todo = element("ul", { class: "response" });
    /** Responses that an alarm of the same place higher up has said already. @type {Set<string>} */
    this.above = new Set();
    this.root = element("li", { class: "alarm", "data-alarm": alarm.id });
    this.busy = false;
    this.update(alarm);
  }

  /** @param {Alarm} alarm */
  update(alarm) {
    if (alarm.state !== this.alarm.state) this.say("", "");
    this.alarm = alarm;
    const { desk, root } = this;
    setData(root, "priority", priorityOf(alarm));
    setData(root, "state", alarm.state);
    setData(root, "origin", alarm.origin);
    root.toggleAttribute("data-unacknowledged", isUnacknowledged(alarm));
    root.toggleAttribute("data-silenced", isSilenced(alarm));
    const focused = root.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.act : "";
    this.drawButtons();
    this.drawDetails();
    root.replaceChildren(
      shapeOf(priorityOf(alarm), rank(alarm) + 1),
      element("div", { class: "what" }, this.heading(), this.place(), this.reading(), this.response(), this.details),
      element("div", { class: "hand" }, this.state(), this.due, this.buttons, this.said),
    );
    if (focused) /** @type {HTMLElement | null} */ (root.querySelector(`[data-act="${focused}"]`))?.focus();
    this.tick(desk.now());
  }

  heading() {
    const { alarm, desk } = this;
    const marks = marksOf(alarm, desk.words, desk.site.time_zone);
    return element(
      "div",
      { class: "title" },
      element("span", { class: "priority" }, priorityText(alarm, desk.words)),
      element("h3", {}, desk.words.pick(alarm.title)),
      ...marks.map((one) => element("span", { class: `mark ${one.kind}` }, one.text)),
    );
  }

  place() {
    const { alarm, desk } = this;
    const device = element("span", {}, desk.words.pick(alarm.device_title));
    const id = element("span", { class: "id" }, alarm.device);
    const { address } = alarm.area;
    const title = desk.words.pick(alarm.area.title);
    const area = element("strong", {}, address && !title.includes(address) ? `${title} · ${address}` : title);
    return element("p", { class: "place" }, area, " · ", device, " ", id);
  }

  reading() {
    const point = element("span", { class: "point" }, `${this.desk.words.pick(this.alarm.point_title)} `);
    return element("p", { class: "reading" }, point, this.value, this.quality);
  }

  response() {
    const { alarm, desk } = this;
    const items = alarm.response.map((one) => {
      const above = this.above.has(one.id);
      const text = above ? desk.t("alarm.as-above") : desk.words.pick(one);
      return element("li", above ? { class: "above" } : {}, element("b", {}, one.id), " ", text);
    });
    this.todo.replaceChildren(...items);
    this.todo.setAttribute("aria-label", desk.t("alarm.response"));
    return this.todo;
  }

  state() {
    const { alarm, desk } = this;
    const handled = handledText(alarm, desk.words, desk.site.time_zone, desk.now());
    const state = element("p", { class: "state" }, stateText(alarm, desk.words));
    const box = element("div", { class: "standing" }, state);
    if (alarm.raised_at) {
      const raised = desk.t("alarm.raised", { at: clockText(alarm.raised_at, desk.site.time_zone, desk.now()) });
      box.append(element("p", { class: "times" }, `${raised} · `, this.since));
    }
    if (handled) box.append(element("p", { class: "handled" }, handled));
    return box;
  }

  drawDetails() {
    const { alarm, desk } = this;
    const row = (/** @type {string} */ key, /** @type {string} */ text) =>
      element("div", {}, element("dt", {}, desk.t(key)), element("dd", {}, text));
    this.details.replaceChildren(
      element("summary", { "data-act": "details" }, desk.t("alarm.details")),
      element(
        "dl",
        {},
        row("alarm.cause", desk.words.pick(alarm.cause)),
        row("alarm.consequence", desk.words.pick(alarm.consequence)),
        row("alarm.rule", alarm.rule),
      ),
      this.others,
    );
  }

  drawButtons() {
    const { alarm, desk } = this;
    const wanted = desk.mayAct ? actsOf(alarm) : [];
    const make = (/** @type {string} */ verb) => {
      const button = element("button", { type: "button", "data-act": verb }, desk.t(`alarm.act.${verb}`));
      button.disabled = this.busy;
      button.addEventListener("click", () => void this.perform(verb));
      return button;
    };
    this.buttons.replaceChildren(...wanted.filter((verb) => FIRST.includes(verb)).map(make));
    this.others.replaceChildren(...wanted.filter((verb) => !FIRST.includes(verb)).map(make));
  }

  /** @param {string} verb */
  async perform(verb) {
    const { desk, alarm } = this;
    const body = await bodyOf(desk, alarm, verb);
    if (!body) return;
    this.busy = true;
    this.drawButtons();
    this.say("", desk.t("act.sending"));
    const outcome = await act(desk, `/alarms/${pathOf(alarm.id)}/${verb}`, body);
    this.busy = false;
    if (outcome.kind === "done") desk.duty.applyAnswer(outcome.item);
    this.drawButtons();
    this.say(outcome.kind, outcome.kind === "done" ? "" : outcome.text);
  }

  /** @param {string} kind @param {string} text */
  say(kind, text) {
    setData(this.said, "kind", kind);
    setText(this.said, text);
  }

  /**
   * The most pressing one stands open; a person may close it.
   * @param {boolean} lead
   * @param {Set<string>} above
   */
  standAt(lead, above) {
    if ([...above].join() !== [...this.above].join()) {
      this.above = above;
      this.response();
    }
    if (lead && !this.lead) this.details.open = true;
    this.lead = lead;
    this.root.toggleAttribute("data-lead", lead);
  }

  /** @param {number} now */
  tick(now) {
    const { alarm, desk } = this;
    setText(this.since, desk.t("alarm.since", { span: spanText(now - Date.parse(alarm.raised_at ?? "")) }));
    const { text, quality } = valueNow(alarm, desk, now);
    setText(this.value, text);
    setText(this.quality, quality);
    const left = respondLeft(alarm, now);
    this.due.hidden = left === null;
    if (left === null) return;
    setText(this.due, desk.t(left < 0 ? "alarm.overdue" : "alarm.due", { span: spanText(Math.abs(left)) }));
    this.due.toggleAttribute("data-overdue", left < 0);
  }
}
