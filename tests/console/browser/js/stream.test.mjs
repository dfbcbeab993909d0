import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { LOST_AFTER_MS, SILENCE_MS, Stream } from "../../../../console/static/js/stream.js";

/** An EventSource whose server is the test. */
class Source extends EventTarget {
  constructor() {
    super();
    this.closed = false;
  }

  say(kind, data) {
    this.dispatchEvent(Object.assign(new Event(kind), { data: typeof data === "string" ? data : JSON.stringify(data) }));
  }

  close() {
    this.closed = true;
  }
}

let now, opened, failures, stream, got;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  now = 0;
  opened = [];
  failures = 0;
  got = [];
  stream = new Stream("/events", {
    now: () => now,
    open: () => opened[opened.push(new Source()) - 1],
    onFailure: () => (failures += 1),
  });
  stream.on("readings", (data) => got.push(data));
  stream.start();
});

const last = () => opened[opened.length - 1];

/** @param {number} ms */
function pass(ms) {
  for (let gone = 0; gone < ms; gone += 250) {
    now += 250;
    mock.timers.tick(250);
    stream.tick();
  }
}

test("it is live with the snapshot, not when it is merely open", () => {
  assert.equal(stream.state, "connecting");
  last().say("snapshot", { devices: {} });
  assert.equal(stream.state, "live");
});

test("it is lost when it has not been live for three seconds", () => {
  last().say("snapshot", {});
  last().onerror();
  pass(LOST_AFTER_MS);
  assert.equal(stream.state, "connecting");
  pass(250);
  assert.equal(stream.state, "lost");
  assert.equal(stream.downMs, LOST_AFTER_MS + 250);
});

test("it is lost when the first connection never comes", () => {
  pass(LOST_AFTER_MS + 250);
  assert.equal(stream.state, "lost");
});

test("after a failure it comes back by itself and tells about the failure", () => {
  last().say("snapshot", {});
  const first = last();
  first.onerror();
  assert.deepEqual([first.closed, failures], [true, 1]);
  pass(250);
  last().say("snapshot", {});
  assert.deepEqual([stream.state, opened.length], ["live", 2]);
});

test("it waits longer with each failure, at most two seconds", () => {
  const waits = [];
  for (let turn = 0; turn < 7; turn += 1) {
    const before = opened.length;
    const since = now;
    last().onerror();
    while (opened.length === before) pass(250);
    waits.push(now - since);
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 2000, 2000, 2000]);
});

test("silence is taken for a broken connection", () => {
  last().say("snapshot", {});
  pass(SILENCE_MS);
  assert.equal(opened.length, 1);
  pass(250);
  assert.equal(opened.length, 2);
  assert.equal(opened[0].closed, true);
  pass(LOST_AFTER_MS + 250);
  assert.equal(stream.state, "lost");
});

test("resync takes a new snapshot", () => {
  last().say("snapshot", {});
  last().say("resync", {});
  assert.equal(opened[0].closed, true);
  assert.equal(stream.state, "connecting");
  pass(250);
  assert.equal(opened.length, 2);
});

test("an event that cannot be read starts afresh", () => {
  last().say("snapshot", {});
  last().say("readings", "{oh no");
  assert.deepEqual([stream.state, got, failures], ["connecting", [], 1]);
});

test("a source that was given up is not listened to any more", () => {
  const old = last();
  old.onerror();
  pass(250);
  old.say("snapshot", {});
  old.say("readings", { items: [] });
  old.onerror();
  assert.deepEqual([stream.state, got.length, opened.length], ["connecting", 0, 2]);
});

test("a listener that comes later hears its events too", () => {
  const alarms = [];
  stream.on("alarms", (data) => alarms.push(data));
  last().say("alarms", { items: [1] });
  assert.deepEqual(alarms, [{ items: [1] }]);
});

test("who watches is told each change once", () => {
  const states = [];
  stream.watch((state) => states.push(state));
  last().say("snapshot", {});
  last().say("snapshot", {});
  last().onerror();
  pass(LOST_AFTER_MS + 500);
  assert.deepEqual(states, ["live", "connecting", "lost"]);
});
