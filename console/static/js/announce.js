// Tells of alarms to whoever does not look at the list: window title, screen reader, sound.

import { announcement, badgeText } from "./alarm_words.js";
import { byId, setData, setText } from "./dom.js";
import { calls, isUnacknowledged, priorityOf } from "./duty.js";
import { drawTitle } from "./health.js";
import { Sound } from "./sound.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./duty.js").Alarm} Alarm */

/** A critical alarm sounds again after so many seconds until it is acknowledged. */
const REPEAT_S = 4;

/** @param {Desk} desk */
export default function mount(desk) {
  const announcer = new Announcer(desk);
  desk.duty.subscribe((kind) => {
    if (kind === "alarms") announcer.look();
  });
  desk.on("language", () => announcer.draw());
  desk.on("tick", () => announcer.tick());
  announcer.look();
}

class Announcer {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.sound = new Sound();
    /** The occurrences that were told already. @type {Set<string>} */
    this.told = new Set();
    this.beats = 0;
    this.button = byId("sound");
    this.button.addEventListener("click", () => void this.toggle());
    this.sound.watch(() => this.draw());
  }

  async toggle() {
    if (this.sound.on) return this.sound.disable();
    const on = await this.sound.enable();
    setText(byId("notice"), on ? "" : this.desk.t("sound.refused"));
    // So that the person hears what they have switched on.
    if (on) this.sound.play(this.desk.duty.sortedAlarms().some(calls) ? "critical" : "medium");
    this.beats = 0;
  }

  /** Tells what is new. */
  look() {
    const alarms = this.desk.duty.sortedAlarms();
    const open = alarms.filter(isUnacknowledged);
    const fresh = open.filter((one) => !this.told.has(occurrence(one)));
    this.told = new Set(open.map(occurrence));
    const calling = fresh.filter(calls);
    if (calling.length) {
      byId("announce").textContent = calling.map((one) => announcement(one, this.desk.words)).join(" ");
    }
    if (fresh.length) {
      this.sound.play(toneOf(fresh[0]));
      this.beats = 0;
    }
    this.draw();
  }

  draw() {
    const { desk } = this;
    const badge = badgeText(desk.duty.sortedAlarms(), desk.words);
    desk.badge = badge;
    drawTitle(desk);
    if (!badge) setText(byId("announce"), "");
    setText(byId("sound-state"), desk.t(this.sound.on ? "sound.on" : "sound.off"));
    setData(this.button, "level", this.sound.on ? "normal" : "warning");
    this.button.setAttribute("aria-pressed", String(this.sound.on));
    this.button.title = desk.t(this.sound.on ? "sound.switch-off" : "sound.switch-on");
  }

  tick() {
    if (![...this.desk.duty.alarms.values()].some(calls)) return;
    this.beats += 1;
    if (this.beats % REPEAT_S === 0) this.sound.play("critical");
  }
}

/** One raise of one alarm. @param {Alarm} alarm */
function occurrence(alarm) {
  return `${alarm.id} ${alarm.raised_at}`;
}

/** @param {Alarm} alarm */
function toneOf(alarm) {
  return alarm.origin === "live" ? priorityOf(alarm) : "drill";
}
