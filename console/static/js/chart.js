// The chart of the chosen point: history from the API, live samples behind it, always up to this moment, so that
// silence is seen as an empty end.

import { ApiError } from "./api.js";
import { element, setText } from "./dom.js";
import { NO_VALUE, qualityText, timeParts, unitText, valueText } from "./format.js";
import { RANGES, kindOf, loadBuckets, loadDots } from "./history.js";
import { makePlot, sizeOf } from "./plot.js";
import { append, columnsOf, gapOf } from "./series.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./history.js").Range} Range */

const RELOAD_MS = 60_000;

/** @param {Desk} desk */
export default function mount(desk) {
  const panel = new ChartPanel(desk);
  desk.on("choice", () => panel.rebuild());
  desk.on("language", () => panel.rebuild());
  desk.on("tick", () => panel.tick());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => panel.rebuild());
  desk.store.subscribe((kind, changes) => {
    const { choice } = desk;
    if (!choice) return;
    // A snapshot ends a break of the stream: what was missed is in the history.
    if (kind === "snapshot") void panel.load();
    else if (changes.get(choice.device)?.has(choice.point)) panel.addLive();
  });
}

class ChartPanel {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.range = RANGES[1];
    /** @type {import("./series.js").Dot[]} */
    this.dots = [];
    /** @type {import("./series.js").Columns} */
    this.columns = [[], [], [], [], []];
    /** @type {import("../vendor/uplot/uPlot.esm.js").default | null} */
    this.plot = null;
    this.abort = new AbortController();
    this.loadedAt = 0;
    this.heading = element("h2");
    this.where = element("p", { class: "where" });
    this.ranges = element("div", { class: "ranges", role: "group" });
    this.readout = element("p", { class: "readout" });
    this.place = element("div", { class: "plot", role: "img" });
    this.message = element("p", { class: "plot-message", role: "status" });
    this.legend = element("p", { class: "legend" });
    const head = element("div", { class: "panel-head" }, element("div", {}, this.heading, this.where), this.ranges);
    desk.slot("chart").append(head, this.readout, element("div", { class: "plot-frame" }, this.place, this.message), this.legend);
    new ResizeObserver(() => this.plot?.setSize(sizeOf(this.place))).observe(this.place);
  }

  rebuild() {
    const found = this.desk.find();
    this.plot?.destroy();
    this.plot = null;
    this.drawHead();
    if (!found) return;
    const { words, site } = this.desk;
    this.plot = makePlot(this.place, {
      point: found.point,
      words,
      zone: site.time_zone,
      rangeMs: this.range.ms,
      now: () => this.desk.now(),
      onCursor: (index) => this.drawReadout(index),
    });
    this.dots = [];
    this.show([[], [], [], [], []]);
    void this.load();
  }

  drawHead() {
    const { desk } = this;
    const found = desk.find();
    setText(this.heading, found ? desk.words.pick(found.point.title) : desk.t("chart.none"));
    const names = found ? [desk.words.pick(found.device.area.title), desk.words.pick(found.device.title), found.device.id] : [];
    setText(this.where, names.join(" · "));
    this.ranges.setAttribute("aria-label", desk.t("chart.range"));
    this.ranges.replaceChildren(...RANGES.map((one) => this.rangeButton(one)));
    const every = this.range.every ? desk.t(`every.${this.range.every}`) : "";
    setText(this.legend, desk.t(`chart.legend-${kindOf(this.range, found?.point)}`, { every }));
  }

  /** @param {Range} range */
  rangeButton(range) {
    const pressed = String(range === this.range);
    const label = this.desk.t(`range.${range.key}`);
    const button = element("button", { type: "button", "aria-pressed": pressed, "data-range": range.key }, label);
    button.addEventListener("click", () => {
      this.range = range;
      this.rebuild();
      /** @type {HTMLElement | null} */ (this.ranges.querySelector('[aria-pressed="true"]'))?.focus();
    });
    return button;
  }

  async load() {
    this.abort.abort();
    this.abort = new AbortController();
    const { signal } = this.abort;
    const { choice } = this.desk;
    const found = this.desk.find();
    if (!choice || !found || !this.plot) return;
    this.loadedAt = this.desk.now();
    if (found.point.type === "text") return setText(this.message, this.desk.t("chart.text"));
    if (!this.columns[0].length) setText(this.message, this.desk.t("chart.loading"));
    try {
      const columns = await (this.range.every
        ? loadBuckets(choice, found.point, this.range, signal)
        : this.loadRaw(choice, signal));
      if (!signal.aborted) this.show(columns);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      setText(this.message, error.text(this.desk.words));
    }
  }

  /**
   * @param {import("./desk.js").Choice} choice
   * @param {AbortSignal} signal
   */
  async loadRaw(choice, signal) {
    const answer = await loadDots(choice, this.range, signal);
    if (signal.aborted) return this.columns;
    // What came by the stream while the history was on its way stays behind it.
    for (const dot of this.dots) append(answer, dot);
    this.dots = answer;
    return columnsOf(this.dots, gapOf(this.dots));
  }

  addLive() {
    const { desk } = this;
    if (this.range.every || !desk.choice || !this.plot) return;
    const sample = desk.store.sample(desk.choice.device, desk.choice.point);
    if (!sample) return;
    const value = typeof sample.value === "number" ? sample.value : null;
    if (!append(this.dots, { at: sample.at, value, good: sample.quality === "good" })) return;
    const oldest = desk.now() - this.range.ms;
    while (this.dots.length && this.dots[0].at < oldest) this.dots.shift();
    this.show(columnsOf(this.dots, gapOf(this.dots)));
  }

  tick() {
    if (!this.plot) return;
    if (this.range.every && this.desk.now() - this.loadedAt > RELOAD_MS) void this.load();
    else this.plot.setData(/** @type {any} */ (this.columns));
    this.drawReadout(this.plot.cursor.idx ?? null);
  }

  /** @param {import("./series.js").Columns} columns */
  show(columns) {
    this.columns = columns;
    this.plot?.setData(/** @type {any} */ (columns));
    const empty = columns.slice(1).every((one) => one.every((value) => value === null));
    setText(this.message, empty ? this.desk.t("chart.empty") : "");
    this.drawReadout(this.plot?.cursor.idx ?? null);
  }

  /** @param {number | null} index of the sample under the pointer; the newest value without one */
  drawReadout(index) {
    const { desk } = this;
    const found = desk.find();
    if (!found) return setText(this.readout, "");
    const { point, device } = found;
    const [xs, line, , marks, tops] = this.columns;
    const pointed = index !== null && xs[index] !== undefined && (line[index] ?? marks[index]) !== null;
    const sample = desk.store.sample(device.id, point.name);
    const value = pointed && index !== null ? (line[index] ?? marks[index]) : sample?.value;
    const at = pointed && index !== null ? xs[index] * 1000 : sample?.at;
    const { date, time } = at === undefined ? { date: "", time: "" } : timeParts(at, desk.site.time_zone);
    const parts = [`${valueText(point, value, desk.words)} ${value == null ? "" : unitText(point)}`.trim(), `${date} ${time}`];
    const top = pointed && index !== null ? tops[index] : null;
    if (top !== null) parts.push(desk.t("chart.highest", { value: valueText(point, top, desk.words) }));
    if (pointed && index !== null && marks[index] !== null) parts.push(desk.t("chart.not-good"));
    if (!pointed && sample && sample.quality !== "good") parts.push(qualityText(sample.quality, desk.words));
    setText(this.readout, parts.join("   "));
    this.place.setAttribute("aria-label", `${desk.words.pick(point.title)}: ${parts[0] || NO_VALUE}`);
  }
}
