// The active alarms, the most pressing first. Hidden while there are none.

import { AlarmRow } from "./alarm_row.js";
import { element, setText } from "./dom.js";
import { isUnacknowledged, rank } from "./duty.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./duty.js").Alarm} Alarm */

/** So many are shown at once; critical and unacknowledged ones always. */
const SHOWN = 6;

/** @param {Desk} desk */
export default function mount(desk) {
  const panel = new AlarmsPanel(desk);
  desk.duty.subscribe((kind) => {
    if (kind === "alarms") panel.draw();
  });
  desk.store.subscribe((kind) => {
    if (kind === "devices") panel.rebuild();
    else panel.tick();
  });
  desk.on("language", () => panel.rebuild());
  desk.on("tick", () => panel.tick());
  panel.draw();
}

class AlarmsPanel {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    /** @type {Map<string, AlarmRow>} */
    this.rows = new Map();
    /** @type {Map<string, Alarm>} */
    this.drawn = new Map();
    this.all = false;
    this.place = desk.slot("alarms");
    this.heading = element("h2", { tabindex: "-1" });
    this.count = element("p", { class: "alarm-count" });
    this.list = element("ol", { class: "alarm-list" });
    this.more = element("button", { type: "button", class: "more-alarms", hidden: true });
    this.more.addEventListener("click", () => {
      this.all = !this.all;
      this.draw();
    });
    this.missing = element("p", { class: "missing", role: "alert", hidden: true });
    this.head = element("div", { class: "alarm-head" }, this.heading, this.count);
    this.place.append(this.missing, this.head, this.list, this.more);
  }

  rebuild() {
    this.rows.clear();
    this.drawn.clear();
    this.draw();
  }

  draw() {
    const { desk } = this;
    const alarms = desk.duty.sortedAlarms();
    this.drawMissing();
    this.head.hidden = !alarms.length;
    this.place.hidden = !alarms.length && this.missing.hidden;
    this.drawHead(alarms);
    for (const id of this.rows.keys()) if (!desk.duty.alarms.has(id)) this.forget(id);
    const shown = alarms.filter((one, at) => this.all || at < SHOWN || (rank(one) === 0 && isUnacknowledged(one)));
    this.arrange(shown.map((one) => this.rowOf(one)));
    this.standInOrder(shown);
    this.more.hidden = alarms.length <= SHOWN || (!this.all && shown.length === alarms.length);
    setText(this.more, this.all ? desk.t("alarms.fewer") : desk.t("alarms.more", { n: alarms.length - shown.length }));
  }

  /** What is to be done at a place is said in full once. @param {Alarm[]} alarms */
  standInOrder(alarms) {
    /** @type {Map<string, Set<string>>} */
    const said = new Map();
    for (const [at, one] of alarms.entries()) {
      const above = said.get(one.area.id) ?? new Set();
      this.rows.get(one.id)?.standAt(at === 0, above);
      said.set(one.area.id, new Set([...above, ...one.response.map((each) => each.id)]));
    }
  }

  /** @param {string} id */
  forget(id) {
    // Whoever worked at an alarm that ended goes on at the list, not at the top of the page.
    if (this.rows.get(id)?.root.contains(document.activeElement)) this.heading.focus();
    this.rows.delete(id);
    this.drawn.delete(id);
  }

  /** @param {Alarm} alarm */
  rowOf(alarm) {
    let row = this.rows.get(alarm.id);
    if (!row) {
      row = new AlarmRow(alarm, this.desk);
      this.rows.set(alarm.id, row);
    } else if (this.drawn.get(alarm.id) !== alarm) row.update(alarm);
    this.drawn.set(alarm.id, alarm);
    return row;
  }

  /** Moves only what stands in the wrong place: an element that is moved loses the focus. @param {AlarmRow[]} rows */
  arrange(rows) {
    const wanted = rows.map((one) => one.root);
    for (const node of [...this.list.children]) if (!wanted.includes(/** @type {any} */ (node))) node.remove();
    for (const [at, node] of wanted.entries()) {
      if (this.list.children[at] === node) continue;
      const focused = node.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
      this.list.insertBefore(node, this.list.children[at] ?? null);
      focused?.focus();
    }
  }

  /** An empty list must not be taken for a quiet site. */
  drawMissing() {
    const { desk } = this;
    const names = desk.duty.missing.map((kind) => desk.t(`missing.${kind}`)).join(desk.t("list.comma"));
    this.missing.hidden = !names;
    setText(this.missing, names ? desk.t("missing.text", { names }) : "");
  }

  /** @param {Alarm[]} alarms */
  drawHead(alarms) {
    const { desk } = this;
    setText(this.heading, desk.t("panel.alarms"));
    const values = { n: alarms.length, critical: alarms.filter((one) => rank(one) === 0).length, open: alarms.filter(isUnacknowledged).length };
    setText(this.count, desk.t("alarms.count", values));
  }

  tick() {
    const now = this.desk.now();
    for (const row of this.rows.values()) if (row.root.isConnected) row.tick(now);
  }
}
