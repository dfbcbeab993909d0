// One value of a card: a button that puts its point on the chart.

import { higher, judge } from "./condition.js";
import { byId, element, setData, setText } from "./dom.js";
import { NO_VALUE, qualityText, unitText, valueText } from "./format.js";

/** @typedef {import("./api.js").Device} Device */
/** @typedef {import("./api.js").Point} Point */
/** @typedef {import("./desk.js").Desk} Desk */

export class Cell {
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
    /** What a standing alarm of this point makes of it. @type {import("./condition.js").Level} */
    this.raised = "normal";
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
    this.level = higher(condition.level, this.raised);
    setData(this.root, "level", this.level);
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
