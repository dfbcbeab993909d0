// What the device of the chosen point can be told, and what became of its last commands. Buttons only for who may act;
// the gateway decides each time.

import { act, pathOf } from "./act.js";
import { ApiError, request } from "./api.js";
import { ask } from "./dialog.js";
import { element, setText } from "./dom.js";
import { timeParts } from "./format.js";
import { redraw } from "./keep.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./api.js").Device} Device */
/** @typedef {import("./i18n.js").Text} Text */
/**
 * @typedef {{id: string, device: string, title: Text, status: string, at: string, is_over: boolean, detail: string,
 *   attempts: number, who: string, why: string, may_cancel: boolean}} Command
 */
/** @typedef {{name: string, title: Text, final_element: boolean}} Offer */

/** @param {Desk} desk */
export default function mount(desk) {
  const panel = new CommandsPanel(desk);
  desk.on("choice", () => void panel.follow());
  desk.on("language", () => panel.draw());
  desk.stream.on("command", (item) => panel.take(item));
  desk.stream.on("snapshot", () => void panel.load());
}

class CommandsPanel {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.device = "";
    /** @type {Offer[]} */
    this.offers = [];
    /** @type {Command[]} */
    this.items = [];
    this.heading = element("h2");
    this.where = element("p", { class: "where" });
    this.buttons = element("div", { class: "command-buttons" });
    this.said = element("p", { class: "command-said", role: "status" });
    this.list = element("ol", { class: "command-list" });
    const head = element("div", { class: "panel-head" }, element("div", {}, this.heading, this.where));
    this.place = desk.slot("commands");
    this.place.append(head, this.buttons, this.said, this.list);
  }

  /** Another device was chosen. */
  async follow() {
    const device = this.desk.find()?.device.id ?? "";
    if (device === this.device) return;
    this.device = device;
    this.offers = [];
    this.items = [];
    setText(this.said, "");
    this.draw();
    await this.load();
  }

  async load() {
    const asked = this.device;
    const device = this.desk.store.devices.get(asked);
    // A console without a gateway has no commands: the panel then stays away.
    if (!device || !this.desk.hasCommands) return this.draw();
    try {
      const [profile, last] = await Promise.all([
        request(`/profiles/${device.profile}`),
        request(`/devices/${pathOf(asked)}/commands`),
      ]);
      if (asked !== this.device) return;
      this.offers = profile.commands;
      this.items = last.items;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setText(this.said, error.text(this.desk.words));
    }
    this.draw();
  }

  /** @param {Command} item */
  take(item) {
    if (item?.device !== this.device) return;
    const known = this.items.findIndex((one) => one.id === item.id);
    if (known >= 0) this.items[known] = item;
    else this.items.unshift(item);
    this.draw();
  }

  draw() {
    const { desk } = this;
    const device = desk.store.devices.get(this.device);
    this.place.hidden = !device || !desk.hasCommands || (!this.offers.length && !this.items.length);
    setText(this.heading, desk.t("commands.title"));
    setText(this.where, device ? `${desk.words.pick(device.title)} · ${device.id}` : "");
    const offers = desk.mayAct ? this.offers : [];
    redraw(this.buttons, offers.map((one) => this.button(one)));
    const rows = this.items.slice(0, 6).map((one) => this.row(one));
    redraw(this.list, rows.length ? rows : [element("li", { class: "empty" }, desk.t("commands.none"))]);
  }

  /** @param {Offer} offer */
  button(offer) {
    const node = element("button", { type: "button", "data-key": offer.name }, `${this.desk.words.pick(offer.title)}…`);
    node.addEventListener("click", () => void this.tell(offer));
    return node;
  }

  /** @param {Offer} offer */
  async tell(offer) {
    const { desk } = this;
    const device = this.device;
    const title = desk.words.pick(offer.title);
    const lines = offer.final_element ? [desk.t("commands.final")] : [];
    const why = { name: "why", kind: /** @type {const} */ ("text"), label: desk.t("commands.why"), required: offer.final_element };
    const given = await ask(desk, { title, lines: [device, ...lines], fields: [why], confirm: title });
    if (!given) return;
    const done = await act(desk, `/devices/${pathOf(device)}/commands`, { name: offer.name, why: given.why });
    setText(this.said, done.kind === "done" ? "" : done.text);
  }

  /** @param {Command} item */
  row(item) {
    const { desk } = this;
    const time = timeParts(Date.parse(item.at), desk.site.time_zone).time;
    const who = item.who || desk.t("commands.trip");
    const node = element(
      "li",
      { "data-command": item.id, "data-status": item.status },
      element("strong", {}, desk.words.pick(item.title)),
      " ",
      element("span", { class: "command-status" }, desk.t(`commands.status.${item.status}`)),
      element("p", { class: "where" }, [time, who, item.why, item.detail].filter(Boolean).join(" · ")),
    );
    if (item.may_cancel && desk.mayAct) {
      const button = element("button", { type: "button", "data-key": `cancel-${item.id}` }, desk.t("commands.cancel"));
      button.addEventListener("click", () => void this.cancel(item));
      node.append(button);
    }
    return node;
  }

  /** @param {Command} item */
  async cancel(item) {
    try {
      await request(`/commands/${pathOf(item.id)}`, { method: "DELETE" });
      setText(this.said, "");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setText(this.said, error.text(this.desk.words));
    }
  }
}
