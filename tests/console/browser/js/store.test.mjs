import assert from "node:assert/strict";
import { test } from "node:test";

import { STALE_MS } from "../../../../console/static/js/condition.js";
import { LATE_MS, Store } from "../../../../console/static/js/store.js";
import { device, point, valve } from "./desk_words.mjs";

const NOW = Date.UTC(2026, 10, 20, 8);
const iso = (ms) => new Date(ms).toISOString();
const reading = (value, at, quality = "good") => ({ device: "d:1", at: iso(at), values: { methane: { value, quality } } });

function filled() {
  const store = new Store();
  store.setDevices([device("d:1")]);
  store.applySnapshot({ "d:1": { methane: { value: 1, quality: "good", at: iso(NOW) } } }, NOW);
  return store;
}

const value = (store) => store.sample("d:1", "methane")?.value;

test("a reading replaces the value and tells which", () => {
  const store = filled();
  const told = [];
  store.subscribe((kind, changes) => told.push([kind, [...changes].map(([id, points]) => [id, [...points]])]));
  store.applyReadings([reading(2, NOW + 1000)], NOW + 1000);
  assert.equal(value(store), 2);
  assert.deepEqual(told, [["readings", [["d:1", ["methane"]]]]]);
});

test("an older reading never replaces a younger one", () => {
  const store = filled();
  store.applyReadings([reading(60, NOW + 2000), reading(1, NOW + 1000)], NOW + 3000);
  assert.equal(value(store), 60);
});

test("a device clock that ran ahead does not freeze the value", () => {
  const store = filled();
  store.applyReadings([reading(5, NOW + 3_600_000)], NOW + 1000);
  store.applyReadings([reading(6, NOW + 2000)], NOW + 2000);
  assert.equal(value(store), 6);
});

test("a sample in the future grows old from the moment it came", () => {
  const store = filled();
  store.applySnapshot({ "d:1": { methane: { value: 1, quality: "good", at: iso(NOW + 3_600_000) } } }, NOW);
  assert.equal(store.blind(NOW + STALE_MS).length, 0);
  assert.equal(store.blind(NOW + STALE_MS + 1).length, 1);
});

test("a reading that comes late is shown with its own age", () => {
  const store = new Store();
  store.setDevices([device("d:1")]);
  store.applyReadings([reading(1, NOW - LATE_MS - 1)], NOW);
  assert.equal(store.lastSeen(store.devices.get("d:1")), NOW - LATE_MS - 1);
  assert.equal(store.blind(NOW).length, 1);
});

test("a little delay is not old", () => {
  const store = filled();
  store.applyReadings([reading(2, NOW + 1000)], NOW + 41_000);
  assert.equal(store.blind(NOW + 41_000).length, 0);
});

test("an absent point keeps its value, a lost one loses it", () => {
  const store = filled();
  store.applyReadings([reading(null, NOW + 1000)], NOW + 1000);
  assert.equal(value(store), 1);
  store.applyReadings([reading(null, NOW + 2000, "bad:comm-loss")], NOW + 2000);
  assert.equal(value(store), null);
  assert.equal(store.blind(NOW + 2000)[0].condition.quality, "bad:comm-loss");
});

test("a snapshot replaces everything", () => {
  const store = filled();
  store.applySnapshot({}, NOW);
  assert.equal(store.sample("d:1", "methane"), undefined);
  assert.equal(store.newest, null);
  assert.equal(store.blind(NOW).length, 1);
});

test("a time that cannot be read is not taken", () => {
  const store = filled();
  store.applyReadings([{ device: "d:1", at: "yesterday", values: { methane: { value: 9, quality: "good" } } }], NOW + 1);
  assert.equal(value(store), 1);
});

test("a device that is not listed is noted until it is", () => {
  const store = filled();
  store.applyReadings([{ device: "d:2", at: iso(NOW), values: { methane: { value: 9, quality: "good" } } }], NOW);
  assert.deepEqual([...store.unknown], ["d:2"]);
  store.setDevices([device("d:1"), device("d:2")]);
  assert.deepEqual([...store.unknown], []);
  assert.equal(store.sample("d:2", "methane").value, 9);
});

test("what acts on a leak stands first, then what guards life, then by id", () => {
  const store = new Store();
  const mere = [point({ life_safety: false })];
  store.setDevices([device("b", mere), device("a", mere), device("guard"), device("z", [valve])]);
  assert.deepEqual([...store.devices.keys()], ["z", "guard", "a", "b"]);
});

test("when a device was seen is the newest that is known", () => {
  const store = filled();
  const seen = { ...device("d:1"), last_seen: iso(NOW + 500) };
  assert.equal(store.lastSeen(seen), NOW + 500);
  assert.equal(store.lastSeen(device("d:9")), null);
});
