// The devices, grouped by area. Changes are collected and drawn once per frame.

import { Card } from "./card.js";
import { element, setText } from "./dom.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./api.js").Device} Device */

/** @param {Desk} desk */
export default function mount(desk) {
  const panel = new DevicesPanel(desk);
  desk.store.subscribe((kind, changes) => {
    if (kind === "devices") panel.build();
    else panel.changed(kind === "readings" ? changes : null);
  });
  desk.duty.subscribe((kind) => {
    if (kind === "alarms") panel.markAlarms();
  });
  desk.on("language", () => panel.build());
  desk.on("choice", () => panel.markChoice());
  desk.on("tick", () => panel.changed(null));
}

class DevicesPanel {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    /** @type {Map<string, Card>} */
    this.cards = new Map();
    /** What to draw at the next frame; null means everything. @type {Map<string, Set<string>> | null} */
    this.pending = new Map();
    this.frame = 0;
    this.count = element("p", { class: "count" });
    this.search = element("input", { type: "search", id: "device-search", autocomplete: "off", spellcheck: "false" });
    this.onlyAbnormal = element("input", { type: "checkbox", id: "only-abnormal" });
    this.areas = element("div", { class: "areas" });
    this.searchLabel = element("label", { for: "device-search", class: "visually-hidden" });
    this.onlyLabel = element("label", { for: "only-abnormal" });
    this.search.addEventListener("input", () => this.filter());
    this.onlyAbnormal.addEventListener("change", () => this.filter());
    const choices = element("span", { class: "choice" }, this.onlyAbnormal, this.onlyLabel);
    const tools = element("div", { class: "tools" }, this.count, this.searchLabel, this.search, choices);
    desk.slot("devices").append(tools, this.areas);
  }

  build() {
    const { desk } = this;
    const open = new Set([...this.cards.values()].filter((one) => "open" in one.root.dataset).map((one) => one.device.id));
    this.cards.clear();
    /** @type {Map<string, Device[]>} */
    const areas = new Map();
    for (const device of desk.store.devices.values()) {
      const group = areas.get(device.area.id);
      if (group) group.push(device);
      else areas.set(device.area.id, [device]);
    }
    this.areas.replaceChildren(...[...areas.values()].map((devices) => this.areaSection(devices)));
    if (!areas.size) this.areas.append(element("p", { class: "empty" }, desk.t("devices.none")));
    for (const id of open) /** @type {HTMLElement | null} */ (this.cards.get(id)?.root.querySelector(".more"))?.click();
    setText(this.searchLabel, desk.t("devices.search"));
    this.search.placeholder = desk.t("devices.search");
    setText(this.onlyLabel, desk.t("devices.only-abnormal"));
    this.draw(null);
    this.markAlarms();
    this.filter();
    this.markChoice();
  }

  /** @param {Device[]} devices */
  areaSection(devices) {
    const area = devices[0].area;
    const title = this.desk.words.pick(area.title) || area.id;
    const section = element("section", { class: "area", "aria-label": title, "data-many": devices.length > 1 });
    const heading = element("h2", {}, title);
    const grid = element("div", { class: "grid" });
    for (const device of devices) {
      const card = new Card(device, this.desk);
      this.cards.set(device.id, card);
      grid.append(card.root);
    }
    section.append(heading, grid);
    return section;
  }

  /** @param {Map<string, Set<string>> | null} changes */
  changed(changes) {
    if (!changes || !this.pending) this.pending = null;
    else for (const [device, points] of changes) this.remember(device, points);
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      const pending = this.pending;
      this.pending = new Map();
      this.draw(pending);
    });
  }

  /**
   * @param {string} device
   * @param {Set<string>} points
   */
  remember(device, points) {
    const known = this.pending?.get(device);
    if (!known) this.pending?.set(device, new Set(points));
    else for (const point of points) known.add(point);
  }

  /** @param {Map<string, Set<string>> | null} changes */
  draw(changes) {
    const now = this.desk.now();
    if (changes) for (const [device, points] of changes) this.cards.get(device)?.update(points, now);
    else for (const card of this.cards.values()) card.updateAll(now);
    this.summarize();
  }

  summarize() {
    let abnormal = 0;
    for (const card of this.cards.values()) {
      if (card.root.dataset.level === "alarm" || card.root.dataset.level === "warning") abnormal += 1;
    }
    const key = abnormal ? "devices.count-abnormal" : "devices.count";
    setText(this.count, this.desk.t(key, { n: this.cards.size, abnormal }));
  }

  filter() {
    const wanted = this.search.value.trim().toLowerCase();
    for (const card of this.cards.values()) card.root.hidden = !card.searchText.includes(wanted);
    this.areas.toggleAttribute("data-only-abnormal", this.onlyAbnormal.checked);
  }

  markAlarms() {
    for (const card of this.cards.values()) card.markAlarm();
    this.summarize();
  }

  markChoice() {
    for (const node of this.areas.querySelectorAll('[aria-pressed="true"]')) node.setAttribute("aria-pressed", "false");
    const { choice } = this.desk;
    this.cards.get(choice?.device ?? "")?.cells.get(choice?.point ?? "")?.root.setAttribute("aria-pressed", "true");
  }
}
