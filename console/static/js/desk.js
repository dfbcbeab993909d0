// What every panel is given: the site, the store, the stream, the texts, the chosen point, and the seconds' beat.

import { serverNow } from "./api.js";
import { byId } from "./dom.js";
import { Duty } from "./duty.js";
import { Store } from "./store.js";
import { Stream } from "./stream.js";

/** @typedef {import("./api.js").Device} Device */
/** @typedef {import("./api.js").Point} Point */
/** @typedef {import("./api.js").Site} Site */
/** @typedef {import("./i18n.js").Words} Words */
/** @typedef {{device: string, point: string}} Choice */

export class Desk {
  /**
   * @param {Words} words
   * @param {() => void} onFailure see `Stream`
   */
  constructor(words, onFailure) {
    this.words = words;
    /** @type {Site} */
    this.site = { id: "", title: { zh: "", en: "" }, time_zone: "UTC", banner: null, version: "" };
    this.user = "";
    /** Whether the user may do more than look; the server decides each time. */
    this.mayAct = false;
    /** What the window's title begins with while alarms call. */
    this.badge = "";
    this.store = new Store();
    this.stream = new Stream("/api/v1/events", { onFailure });
    this.stream.on("snapshot", (data) => this.store.applySnapshot(data?.devices ?? {}, serverNow()));
    this.stream.on("readings", (data) => this.store.applyReadings(data?.items ?? [], serverNow()));
    /** Whether the console has a gateway that takes commands; the snapshot may come before a panel listens. */
    this.hasCommands = false;
    this.stream.on("snapshot", (data) => (this.hasCommands = Boolean(data?.commands)));
    this.duty = new Duty();
    this.stream.on("snapshot", (data) => this.duty.applySnapshot(data));
    this.stream.on("alarm", (item) => this.duty.applyAlarm(item));
    this.stream.on("interlock", (item) => this.duty.applyInterlock(item));
    this.stream.on("run", (item) => this.duty.applyRun(item));
    /** @type {Choice | null} */
    this.choice = null;
    /** @type {{language: (() => void)[], choice: (() => void)[], tick: (() => void)[]}} */
    this.listeners = { language: [], choice: [], tick: [] };
  }

  /** The server's time, ms. */
  now() {
    return serverNow();
  }

  /**
   * The text of `key` in the language of the page.
   * @param {string} key
   * @param {Record<string, string | number>} [values]
   */
  t(key, values) {
    return this.words.t(key, values);
  }

  /**
   * The place of a panel in the page; it shows once something asked for it.
   * @param {string} name
   */
  slot(name) {
    const place = byId(`panel-${name}`);
    place.hidden = false;
    return place;
  }

  /**
   * @param {"language" | "choice" | "tick"} what
   * @param {() => void} listener
   */
  on(what, listener) {
    this.listeners[what].push(listener);
  }

  /** @param {"language" | "choice" | "tick"} what */
  tell(what) {
    for (const one of this.listeners[what]) one();
  }

  /** @param {Words} words */
  setWords(words) {
    this.words = words;
    this.tell("language");
  }

  /**
   * Chooses the point that the chart shows. The address keeps it over a reload.
   * @param {string} device
   * @param {string} point
   */
  choose(device, point) {
    this.choice = { device, point };
    history.replaceState(null, "", `#${device}/${point}`);
    this.tell("choice");
  }

  /** Takes the choice from the address, else the first life-safety number of the site. */
  chooseFirst() {
    const [device, point] = decodeURIComponent(location.hash.slice(1)).split("/");
    if (this.find({ device, point })) return this.choose(device, point);
    for (const one of this.store.devices.values()) {
      const first = one.points.find((each) => each.life_safety && each.type === "number");
      if (first) return this.choose(one.id, first.name);
    }
  }

  /**
   * @param {Choice | null} choice
   * @returns {{device: Device, point: Point} | null}
   */
  find(choice = this.choice) {
    const device = this.store.devices.get(choice?.device ?? "");
    const point = device?.points.find((one) => one.name === choice?.point);
    return device && point ? { device, point } : null;
  }
}
