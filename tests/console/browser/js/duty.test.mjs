import assert from "node:assert/strict";
import { test } from "node:test";

import { Duty, byPressure, calls, priorityOf } from "../../../../console/static/js/duty.js";
import { RAISED, alarm, interlock, iso, run, step } from "./duty_items.mjs";

const ids = (items) => items.map((one) => one.id);

test("the most pressing alarm stands first", () => {
  const items = [
    alarm({ id: "drill", origin: "drill" }),
    alarm({ id: "shelved", state: "shelved", priority: "high" }),
    alarm({ id: "low", priority: "low" }),
    alarm({ id: "high", priority: "high" }),
    alarm({ id: "gone", active: false, state: "latched-unacknowledged" }),
    alarm({ id: "older", level: 1 }),
    alarm({ id: "newer", level: 1, raised_at: iso(RAISED + 1000) }),
    alarm({ id: "level-2", raised_at: iso(RAISED - 1000) }),
  ];
  const wanted = ["level-2", "newer", "older", "gone", "high", "low", "shelved", "drill"];
  assert.deepEqual(ids(items.sort(byPressure)), wanted);
  assert.deepEqual(ids(items.reverse().sort(byPressure)), wanted);
});

test("acknowledging moves no other button under the finger", () => {
  const duty = new Duty();
  duty.applySnapshot({ alarms: [alarm(), alarm({ id: "d:1~CK-02", level: 1 })], interlocks: [], runs: [] });
  const before = ids(duty.sortedAlarms());
  duty.applyAlarm(alarm({ state: "acknowledged" }));
  assert.deepEqual(ids(duty.sortedAlarms()), before);
});

test("a priority of a later release counts as the highest", () => {
  assert.equal(priorityOf(alarm({ priority: "extreme" })), "critical");
});

test("only a real critical alarm that nobody took note of calls", () => {
  assert.equal(calls(alarm()), true);
  assert.equal(calls(alarm({ state: "latched-unacknowledged", active: false })), true);
  for (const more of [{ origin: "drill" }, { origin: "simulated" }, { state: "acknowledged" }, { state: "out-of-service" }, { priority: "high" }]) {
    assert.equal(calls(alarm(more)), false, JSON.stringify(more));
  }
});

test("an alarm that is normal again leaves the list", () => {
  const duty = new Duty();
  duty.applyAlarm(alarm());
  duty.applyAlarm(alarm({ state: "normal", active: false }));
  assert.equal(duty.alarms.size, 0);
});

test("a snapshot replaces everything", () => {
  const duty = new Duty();
  duty.applyAlarm(alarm());
  duty.applyInterlock(interlock());
  duty.applyRun(run([step()]));
  const told = [];
  duty.subscribe((kind) => told.push(kind));
  duty.applySnapshot({ alarms: [alarm({ id: "b", state: "normal" }), alarm({ id: "c" })], interlocks: [], runs: [] });
  assert.deepEqual([[...duty.alarms.keys()], duty.interlocks.size, duty.runs.size], [["c"], 0, 0]);
  assert.deepEqual(told, ["alarms", "interlocks", "runs"]);
});

test("what the server is not connected to is not taken for quiet", () => {
  const duty = new Duty();
  duty.applySnapshot({ devices: {}, runs: [] });
  assert.deepEqual(duty.missing, ["alarms", "interlocks"]);
  duty.applySnapshot({ alarms: [], interlocks: [], runs: [] });
  assert.deepEqual(duty.missing, []);
});

test("an answer that is older than what the stream brought is passed over", () => {
  const duty = new Duty();
  duty.applyAlarm(alarm({ changed_at: iso(RAISED + 5000), state: "latched-unacknowledged" }));
  duty.applyAnswer(alarm({ changed_at: iso(RAISED + 1000), state: "acknowledged" }));
  assert.equal(duty.alarms.get("d:1~CK-04").state, "latched-unacknowledged");
  duty.applyAnswer(alarm({ changed_at: iso(RAISED + 6000), state: "latched-acknowledged" }));
  assert.equal(duty.alarms.get("d:1~CK-04").state, "latched-acknowledged");
});

test("an answer brings nothing back that has ended", () => {
  const duty = new Duty();
  duty.applyAnswer(alarm({ state: "acknowledged" }));
  assert.equal(duty.alarms.size, 0);
});

test("a run that is over leaves", () => {
  const duty = new Duty();
  duty.applyRun(run([step()]));
  duty.applyRun(run([step()], { state: "closed" }));
  assert.equal(duty.runs.size, 0);
});

test("a device is marked by its real alarms that are not silenced", () => {
  const duty = new Duty();
  const items = [
    alarm({ id: "a", priority: "high" }),
    alarm({ id: "b" }),
    alarm({ id: "c", state: "out-of-service" }),
    alarm({ id: "d", origin: "drill" }),
    alarm({ id: "e", device: "d:2" }),
  ];
  duty.applySnapshot({ alarms: items, interlocks: [], runs: [] });
  assert.deepEqual(ids(duty.alarmsOf("d:1")), ["b", "a"]);
});
