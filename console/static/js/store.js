// What the desk knows: the devices, and the newest sample of each of their points. Pure: times are arguments.

import { isBlind, judge } from "./condition.js";

/** @typedef {import("./api.js").Device} Device */
/** @typedef {import("./api.js").Point} Point */
/** @typedef {import("./condition.js").Condition} Condition */
/** @typedef {number | string | null} Value */
/**
 * `at`: source clock, ms. `seen`: when it was fresh, by the server's clock. `order`: what decides which is newer.
 * A sample without a value and not of good quality has replaced what was there before it.
 * @typedef {{value: Value, quality: string, at: number, seen: number, order: number}} Sample
 */
/** @typedef {{value: Value, quality: string, at: string}} SnapshotValue */
/** @typedef {{device: string, at: string, values: Record<string, {value: Value, quality: string}>}} Reading */
/** @typedef {Map<string, Set<string>>} Changes device -> points */
/** @typedef {(kind: "devices" | "snapshot" | "readings", changes: Changes) => void} Listener */

/** A reading older than this on arrival is history (safety rule S9): shown with its own age. */
export const LATE_MS = 60_000;

export class Store {
  constructor() {
    /** @type {Map<string, Device>} */
    this.devices = new Map();
    /** @type {Map<string, Map<string, Sample>>} */
    this.samples = new Map();
    /** Devices that sent something and that we know nothing of. @type {Set<string>} */
    this.unknown = new Set();
    /** When the newest sample of all was fresh, ms. @type {number | null} */
    this.newest = null;
    /** @type {Listener[]} */
    this.listeners = [];
  }

  /** @param {Listener} listener */
  subscribe(listener) {
    this.listeners.push(listener);
  }

  /** @param {Device[]} items */
  setDevices(items) {
    this.devices = new Map([...items].sort(byWeight).map((one) => [one.id, one]));
    this.unknown = new Set([...this.samples.keys()].filter((id) => !this.devices.has(id)));
    this.tell("devices", new Map());
  }

  /**
   * Replaces everything: a point that the snapshot does not have has no value.
   * @param {Record<string, Record<string, SnapshotValue>>} devices
   * @param {number} now
   */
  applySnapshot(devices, now) {
    this.samples = new Map();
    this.newest = null;
    for (const [device, points] of Object.entries(devices)) {
      for (const [point, one] of Object.entries(points)) {
        const at = Date.parse(one.at);
        if (Number.isNaN(at)) continue;
        const order = Math.min(at, now);
        this.keep(device, point, { value: one.value, quality: String(one.quality), at, seen: order, order });
      }
    }
    this.tell("snapshot", new Map());
  }

  /**
   * @param {Reading[]} items
   * @param {number} now
   */
  applyReadings(items, now) {
    /** @type {Changes} */
    const changes = new Map();
    for (const reading of items) {
      const at = Date.parse(reading.at);
      if (Number.isNaN(at)) continue;
      for (const [point, one] of Object.entries(reading.values)) {
        if (this.accept(reading.device, point, one, at, now)) note(changes, reading.device, point);
      }
    }
    if (changes.size) this.tell("readings", changes);
  }

  /**
   * @param {string} device
   * @param {string} point
   * @param {{value: Value, quality: string}} one
   * @param {number} at
   * @param {number} now
   */
  accept(device, point, one, at, now) {
    const last = this.sample(device, point);
    const order = Math.min(at, now);
    const quality = String(one.quality);
    // An older sample never replaces a younger one; an absent point says nothing.
    if (last && order < last.order) return false;
    if (one.value === null && quality === "good") return false;
    const seen = at <= now && now - at > LATE_MS ? at : now;
    this.keep(device, point, { value: one.value, quality, at, seen, order });
    return true;
  }

  /**
   * @param {string} device
   * @param {string} point
   * @param {Sample} sample
   */
  keep(device, point, sample) {
    this.pointsOf(device).set(point, sample);
    if (this.newest === null || sample.seen > this.newest) this.newest = sample.seen;
  }

  /**
   * @param {string} device
   * @param {string} point
   * @returns {Sample | undefined}
   */
  sample(device, point) {
    return this.samples.get(device)?.get(point);
  }

  /**
   * When anything was last heard of the device, ms.
   * @param {Device} device
   * @returns {number | null}
   */
  lastSeen(device) {
    let latest = device.last_seen ? Date.parse(device.last_seen) : Number.NaN;
    for (const one of this.samples.get(device.id)?.values() ?? []) {
      if (!(latest >= one.seen)) latest = one.seen;
    }
    return Number.isNaN(latest) ? null : latest;
  }

  /**
   * The life-safety points that cannot be relied upon, in the order of the devices.
   * @param {number} now
   * @returns {{device: Device, point: Point, condition: Condition}[]}
   */
  blind(now) {
    const found = [];
    for (const device of this.devices.values()) {
      for (const point of device.points) {
        if (!point.life_safety) continue;
        const condition = judge(point, this.sample(device.id, point.name), now);
        if (isBlind(point, condition)) found.push({ device, point, condition });
      }
    }
    return found;
  }

  /** @param {string} device */
  pointsOf(device) {
    let points = this.samples.get(device);
    if (!points) {
      points = new Map();
      this.samples.set(device, points);
      if (!this.devices.has(device)) this.unknown.add(device);
    }
    return points;
  }

  /**
   * @param {"devices" | "snapshot" | "readings"} kind
   * @param {Changes} changes
   */
  tell(kind, changes) {
    for (const one of this.listeners) one(kind, changes);
  }
}

/**
 * The order of the desk, which never changes with the values: what acts on a leak first, then by how many of its
 * points are for life safety, then by id.
 * @param {Device} one
 * @param {Device} other
 */
function byWeight(one, other) {
  const acts = (/** @type {Device} */ device) => Number(device.points.some((point) => point.final_element));
  const guards = (/** @type {Device} */ device) => device.points.filter((point) => point.life_safety).length;
  return acts(other) - acts(one) || guards(other) - guards(one) || (one.id < other.id ? -1 : 1);
}

/**
 * @param {Changes} changes
 * @param {string} device
 * @param {string} point
 */
function note(changes, device, point) {
  const points = changes.get(device);
  if (points) points.add(point);
  else changes.set(device, new Set([point]));
}
