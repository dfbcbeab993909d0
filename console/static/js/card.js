// One device: its key values large, its final elements and safety flags in words, the rest on demand.
// A row of the rest is always shown while it is not normal, but for one that is merely old: the age of the whole
// device says so already.

import { priorityText, stateText } from "./alarm_words.js";
import { Cell } from "./cell.js";
import { STALE_MS, higher } from "./condition.js";
import { element, setData, setText } from "./dom.js";
import { priorityOf, rank } from "./duty.js";
import { ageText } from "./format.js";
import { shapeOf } from "./shape.js";

/** @typedef {import("./api.js").Device} Device */
/** @typedef {import("./api.js").Point} Point */
/** @typedef {import("./desk.js").Desk} Desk */

const KEY_VALUES = 4;
/** @type {Record<string, import("./condition.js").Level>} */
const LEVEL_OF = { critical: "alarm", high: "warning", medium: "warning", low: "notice" };

/**
 * Which points stand where: `key` large, `tags` in a line, `rest` below. Life safety comes first.
 * @param {Point[]} points
 */
export function arrange(points) {
  const numbers = points.filter((one) => one.type === "number");
  const safety = numbers.filter((one) => one.life_safety);
  const others = numbers.filter((one) => !one.life_safety && one.role);
  const key = [...safety, ...others.slice(0, Math.max(0, KEY_VALUES - safety.length))];
  const finals = points.filter((one) => one.final_element);
  const flags = points.filter((one) => one.life_safety && one.type !== "number" && !one.final_element);
  const tags = [...finals, ...flags];
  const rest = points.filter((one) => !key.includes(one) && !tags.includes(one));
  return { key, tags, rest };
}

export class Card {
  /**
   * @param {Device} device
   * @param {Desk} desk
   */
  constructor(device, desk) {
    this.device = device;
    this.desk = desk;
    /** @type {Map<string, Cell>} */
    this.cells = new Map();
    this.seen = element("span", { class: "seen" });
    this.alarm = element("p", { class: "card-alarm", hidden: true });
    /** @type {import("./condition.js").Level} */
    this.raised = "normal";
    this.advice = element("p", { class: "advice", hidden: true }, desk.t("valve.closed"));
    const { key, tags, rest } = arrange(device.points);
    const title = element("h3", {}, desk.words.pick(device.title) || device.id);
    const id = element("span", { class: "id" }, device.id);
    const line = this.group(tags, "tag");
    this.root = element(
      "article",
      { class: "card", "data-device": device.id },
      element("header", {}, title, id, this.seen),
      this.alarm,
      this.group(key, "key"),
      this.advice,
      line,
      this.group(rest, "row"),
    );
    if (rest.length) line.append(this.moreButton(rest.length));
    this.searchText = `${device.id} ${Object.values(device.title).join(" ")} ${Object.values(device.area.title).join(" ")}`
      .toLowerCase();
  }

  /**
   * @param {Point[]} points
   * @param {"key" | "tag" | "row"} kind
   */
  group(points, kind) {
    const group = element("div", { class: `${kind}s` });
    for (const point of points) {
      const cell = new Cell(this.device, point, this.desk, kind);
      this.cells.set(point.name, cell);
      group.append(cell.root);
    }
    return group;
  }

  /** @param {number} count */
  moreButton(count) {
    const { desk } = this;
    const button = element("button", { type: "button", class: "more", "aria-expanded": "false" });
    const show = () => {
      const open = "open" in this.root.dataset;
      button.setAttribute("aria-expanded", String(open));
      setText(button, open ? desk.t("card.less") : desk.t("card.more", { n: count }));
    };
    button.addEventListener("click", () => {
      this.root.toggleAttribute("data-open");
      show();
    });
    show();
    return button;
  }

  /**
   * @param {Iterable<string>} points
   * @param {number} now
   */
  update(points, now) {
    for (const point of points) this.cells.get(point)?.update(now);
    this.updateHead(now);
  }

  /** Shows what alarm of the device stands: shape, priority, name and state; and marks the points it is about. */
  markAlarm() {
    const { desk } = this;
    const alarms = desk.duty.alarmsOf(this.device.id);
    for (const cell of this.cells.values()) cell.raised = "normal";
    for (const one of alarms) {
      const cell = this.cells.get(one.point);
      if (cell && one.active) cell.raised = higher(cell.raised, LEVEL_OF[priorityOf(one)]);
    }
    this.raised = alarms.length ? LEVEL_OF[priorityOf(alarms[0])] : "normal";
    this.alarm.hidden = !alarms.length;
    if (alarms.length) this.alarm.replaceChildren(...alarmLine(alarms[0], desk));
    this.updateAll(desk.now());
  }

  /** @param {number} now */
  updateAll(now) {
    this.update(this.cells.keys(), now);
  }

  /** @param {number} now */
  updateHead(now) {
    let level = this.raised;
    let closed = false;
    for (const cell of this.cells.values()) {
      level = higher(level, cell.level);
      closed ||= cell.isClosedValve;
    }
    setData(this.root, "level", level);
    if (this.advice.hidden === closed) this.advice.hidden = !closed;
    const seen = this.desk.store.lastSeen(this.device);
    const age = seen === null ? this.desk.t("age.never") : ageText(Math.max(0, now - seen), this.desk.words);
    setText(this.seen, age);
    setData(this.seen, "level", seen === null || now - seen > STALE_MS ? "warning" : "normal");
  }
}

/**
 * @param {import("./duty.js").Alarm} alarm
 * @param {Desk} desk
 */
function alarmLine(alarm, desk) {
  const words = [priorityText(alarm, desk.words), desk.words.pick(alarm.title), stateText(alarm, desk.words)];
  return [shapeOf(priorityOf(alarm), rank(alarm) + 1), words.join(" · ")];
}
