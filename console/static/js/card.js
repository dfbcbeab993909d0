// One device: its key values large, its final elements and safety flags in words, the rest on demand.
// A row of the rest is always shown while it is not normal, but for one that is merely old: the age of the whole
// device says so already.

import { STALE_MS, higher, judge } from "./condition.js";
import { byId, element, setData, setText } from "./dom.js";
import { NO_VALUE, ageText, qualityText, unitText, valueText } from "./format.js";

/** @typedef {import("./api.js").Device} Device */
/** @typedef {import("./api.js").Point} Point */
/** @typedef {import("./desk.js").Desk} Desk */

const KEY_VALUES = 4;

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

/** One value on the page: a button that puts its point on the chart. */
class Cell {
  /**
   * @param {Device} device
   * @param {Point} point
   * @param {Desk} desk
   * @param {"key" | "tag" | "row"} kind
   */
  constructor(device, point, desk, kind) {
    this.device = device;
    this.point = point;
    this.desk = desk;
    this.level = /** @type {import("./condition.js").Level} */ ("normal");
    this.value = element("span", { class: "value" });
    this.note = element("span", { class: "note" });
    const unit = element("span", { class: "unit" }, unitText(point));
    this.root = element(
      "button",
      { type: "button", class: `cell ${kind}`, "data-point": point.name, "aria-pressed": "false" },
      element("span", { class: "name" }, desk.words.pick(point.title)),
      element("span", { class: "reading" }, this.value, unit),
      this.note,
    );
    this.root.addEventListener("click", () => {
      desk.choose(device.id, point.name);
      // On a phone the chart stands below all devices.
      if (matchMedia("(max-width: 860px)").matches) byId("panel-chart").scrollIntoView();
    });
  }

  /** @param {number} now */
  update(now) {
    const { desk, device, point } = this;
    const sample = desk.store.sample(device.id, point.name);
    const condition = judge(point, sample, now);
    this.level = condition.level;
    setData(this.root, "level", condition.level);
    setData(this.root, "own", condition.own);
    setData(this.root, "trust", condition.trust);
    setData(this.root, "quality", condition.quality);
    const text = valueText(point, sample?.value, desk.words);
    setText(this.value, text);
    setData(this.value, "empty", String(text === NO_VALUE));
    const quiet = condition.trust === "good" || (condition.trust === "absent" && !point.life_safety);
    setText(this.note, quiet ? "" : qualityText(condition.quality, desk.words));
  }

  /** Whether the point is a valve whose last known state is closed. */
  get isClosedValve() {
    if (this.point.role !== "valve") return false;
    const value = this.desk.store.sample(this.device.id, this.point.name)?.value;
    return this.point.states.some((one) => one.name === "closed" && one.code === value);
  }
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
    this.advice = element("p", { class: "advice", hidden: true }, desk.t("valve.closed"));
    const { key, tags, rest } = arrange(device.points);
    const title = element("h3", {}, desk.words.pick(device.title) || device.id);
    const id = element("span", { class: "id" }, device.id);
    const line = this.group(tags, "tag");
    this.root = element(
      "article",
      { class: "card", "data-device": device.id },
      element("header", {}, title, id, this.seen),
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

  /** @param {number} now */
  updateAll(now) {
    this.update(this.cells.keys(), now);
  }

  /** @param {number} now */
  updateHead(now) {
    let level = /** @type {import("./condition.js").Level} */ ("normal");
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
