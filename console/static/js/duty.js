// What the desk knows of alarms, interlocks and runs of plans: the newest item of each, as the server gave it. Pure.

/** @typedef {import("./i18n.js").Text} Text */
/** @typedef {import("./api.js").Area} Area */
/** @typedef {"live" | "drill" | "simulated"} Origin */
/**
 * @typedef {{id: string, device: string, device_title: Text, area: Area, point: string, point_title: Text, rule: string,
 *   title: Text, state: string, active: boolean, priority: string, class: string, level: number | null, origin: Origin,
 *   value: number | null, unit: string, unit_text: string, quality: string, raised_at: string | null,
 *   changed_at: string | null, sampled_at: string | null, late: boolean, acknowledged_by: string,
 *   acknowledged_at: string | null, silence_until: string | null, silenced_by: string, silenced_why: string,
 *   cause: Text, consequence: Text, response: ({id: string} & Text)[], respond_within_s: number | null,
 *   verified: boolean, reset_needs: string, orphan: boolean, actions: string[]}} Alarm
 */
/**
 * @typedef {{cause: string, effect: string, action: string, device: string | null, device_title: Text | null,
 *   status: string, reason: string[]}} Effect
 */
/**
 * @typedef {{id: string, area: Area, matrix: string, title: Text, mode: string, origin: Origin, state: string,
 *   tripped_at: string | null, first_out: {id: string, title: Text} | null,
 *   causes: {id: string, title: Text, at: string}[], effects: Effect[], closed: string[],
 *   reset_after_s: number | null, verified: boolean}} Interlock
 */
/** @typedef {import("./run_words.js").Run} Run */
/** @typedef {"alarms" | "interlocks" | "runs"} Kind */

/** In which nothing has to be done about an alarm now. */
const SILENCED = new Set(["shelved", "suppressed-by-design", "out-of-service"]);
const UNACKNOWLEDGED = new Set(["unacknowledged", "returned-unacknowledged", "latched-unacknowledged"]);
const PRIORITIES = ["critical", "high", "medium", "low"];
const OVER = new Set(["closed", "completed"]);
/** @type {readonly Kind[]} */
const KINDS = ["alarms", "interlocks", "runs"];

/** @param {Alarm} alarm */
export function isSilenced(alarm) {
  return SILENCED.has(alarm.state);
}

/** @param {Alarm} alarm */
export function isUnacknowledged(alarm) {
  return UNACKNOWLEDGED.has(alarm.state);
}

/** 0 is the most pressing. A priority of a later release counts as critical. @param {Alarm} alarm */
export function rank(alarm) {
  return Math.max(0, PRIORITIES.indexOf(alarm.priority));
}

/** The priority as the page draws it. @param {Alarm} alarm */
export function priorityOf(alarm) {
  return PRIORITIES[rank(alarm)];
}

/** An alarm that calls for a person at once: the real thing, critical, and nobody has taken note of it. @param {Alarm} alarm */
export function calls(alarm) {
  return alarm.origin === "live" && rank(alarm) === 0 && isUnacknowledged(alarm);
}

/**
 * The order of the list: what is real before a drill, what is loud before what is silenced, then by priority, what
 * still stands, the higher level, the newer one. Acknowledging moves nothing: the next button must not come to stand
 * under a finger that presses twice.
 * @param {Alarm} one
 * @param {Alarm} other
 */
export function byPressure(one, other) {
  const [mine, yours] = [pressure(one), pressure(other)];
  for (let at = 0; at < mine.length; at += 1) if (mine[at] !== yours[at]) return mine[at] - yours[at];
  return one.id < other.id ? -1 : 1;
}

/** @param {Alarm} alarm */
function pressure(alarm) {
  return [
    Number(alarm.origin !== "live"),
    Number(isSilenced(alarm)),
    rank(alarm),
    Number(!alarm.active),
    -(alarm.level ?? 0),
    -(Date.parse(alarm.raised_at ?? "") || 0),
  ];
}

export class Duty {
  constructor() {
    /** All that are not normal. @type {Map<string, Alarm>} */
    this.alarms = new Map();
    /** @type {Map<string, Interlock>} */
    this.interlocks = new Map();
    /** Those that go on. @type {Map<string, Run>} */
    this.runs = new Map();
    /** What the server is not connected to: its state is not known. @type {Kind[]} */
    this.missing = [];
    /** @type {((kind: Kind) => void)[]} */
    this.listeners = [];
  }

  /** @param {(kind: Kind) => void} listener */
  subscribe(listener) {
    this.listeners.push(listener);
  }

  /**
   * Replaces everything: what the snapshot does not have is over.
   * @param {{alarms?: Alarm[], interlocks?: Interlock[], runs?: Run[]} | null} data
   */
  applySnapshot(data) {
    this.alarms = byId((data?.alarms ?? []).filter((one) => one.state !== "normal"));
    this.interlocks = byId(data?.interlocks ?? []);
    this.runs = byId((data?.runs ?? []).filter((one) => !OVER.has(one.state)));
    this.missing = KINDS.filter((kind) => !data?.[kind]);
    for (const kind of KINDS) this.tell(kind);
  }

  /** @param {Alarm} item */
  applyAlarm(item) {
    keep(this.alarms, item, item.state !== "normal");
    this.tell("alarms");
  }

  /**
   * The answer to an act. The stream may have brought something younger already, perhaps in the same millisecond:
   * that stays.
   * @param {Alarm} item
   */
  applyAnswer(item) {
    const known = this.alarms.get(item.id);
    if (known && Date.parse(item.changed_at ?? "") > Date.parse(known.changed_at ?? "")) this.applyAlarm(item);
  }

  /** @param {Interlock} item */
  applyInterlock(item) {
    keep(this.interlocks, item, true);
    this.tell("interlocks");
  }

  /** @param {Run} item */
  applyRun(item) {
    keep(this.runs, item, !OVER.has(item.state));
    this.tell("runs");
  }

  /** All alarms, the most pressing first. */
  sortedAlarms() {
    return [...this.alarms.values()].sort(byPressure);
  }

  /** The real alarms of a device that are not silenced, the most pressing first. @param {string} device */
  alarmsOf(device) {
    const own = [...this.alarms.values()].filter((one) => one.device === device && one.origin === "live" && !isSilenced(one));
    return own.sort(byPressure);
  }

  /** @param {Kind} kind */
  tell(kind) {
    for (const one of this.listeners) one(kind);
  }
}

/**
 * @template {{id: string}} T
 * @param {T[]} items
 * @returns {Map<string, T>}
 */
function byId(items) {
  return new Map(items.map((one) => [one.id, one]));
}

/**
 * @template {{id: string}} T
 * @param {Map<string, T>} items
 * @param {T} item
 * @param {boolean} stays
 */
function keep(items, item, stays) {
  if (stays) items.set(item.id, item);
  else items.delete(item.id);
}
