import assert from "node:assert/strict";
import { test } from "node:test";

import {
  deadlineLeft,
  evidenceFor,
  givenText,
  grouped,
  isWatched,
  permissiveText,
  rolesInOrder,
  stepState,
  withdrawals,
} from "../../../../console/static/js/run_words.js";
import { words } from "./desk_words.mjs";
import { RAISED, run, step } from "./duty_items.mjs";

const zh = words("zh");
const SENSOR = { text: { zh: "<10%LEL", en: "<10 %LEL" }, state: "not-held", verified: false, left_s: 600, reasons: [], release_by: null };
const ids = (steps) => steps.map((one) => one.id);

test("what is over, what is to be done and what waits keep the order of the plan", () => {
  const states = ["done", "open", "waiting", "started", "skipped", "held", "releasable", "suspended", "waiting"];
  const groups = grouped(run(states.map((state, at) => step({ id: String(at), state }))));
  assert.deepEqual([ids(groups.ended), ids(groups.current), ids(groups.waiting)], [["0", "4"], ["1", "3", "5", "6", "7"], ["2", "8"]]);
});

test("a step in a state of a later release is not hidden", () => {
  assert.deepEqual(ids(grouped(run([step({ state: "odd" })])).current), ["K01"]);
  assert.equal(stepState(step({ state: "odd" }), zh), "odd");
});

test("a deadline counts down and goes on when it is missed", () => {
  assert.equal(deadlineLeft(step(), RAISED), 60_000);
  assert.equal(deadlineLeft(step(), RAISED + 70_000), -10_000);
  assert.equal(deadlineLeft(step({ deadline: null }), RAISED), null);
  assert.equal(deadlineLeft(step({ state: "done" }), RAISED), null);
});

test("a sensor condition never releases: the site lead does, whether it holds or not", () => {
  for (const [state, text] of [["held", "传感器条件已满足。"], ["not-held", "传感器条件未满足。"], ["unknown", "传感器条件未判定,视为未满足。"]]) {
    const found = permissiveText(step({ state: "held", permissive: { ...SENSOR, state } }), zh);
    assert.deepEqual(found, { state, text, rule: "须现场负责人按便携仪读数放行" });
  }
});

test("a released step and an advisory condition do not ask for a release", () => {
  assert.equal(permissiveText(step({ state: "started", permissive: SENSOR }), zh).rule, "");
  assert.equal(permissiveText(step({ permissive: { ...SENSOR, state: "advisory" } }), zh).rule, "");
  assert.equal(permissiveText(step(), zh), null);
});

test("each act asks for its own evidence", () => {
  const items = [{ id: "a", at: "release" }, { id: "b", at: "finish" }];
  const of = (action) => ids(evidenceFor(step({ evidence_items: items }), action));
  assert.deepEqual([of("release"), of("done"), of("start"), of("skip")], [["a"], ["b"], [], []]);
});

test("the one who writes down for others is offered first", () => {
  const roles = ["店主", "值班代录", "员工"].map((title) => ({ id: title, title: { zh: title, en: title } }));
  assert.deepEqual(ids(rolesInOrder(roles, step())), ["值班代录", "店主", "员工"]);
});

test("only a condition that sensors judge is looked at again", () => {
  assert.equal(isWatched(run([step({ state: "held", permissive: SENSOR })])), true);
  assert.equal(isWatched(run([step({ permissive: { ...SENSOR, state: "advisory" } })])), false);
  assert.equal(isWatched(run([step({ state: "waiting", permissive: SENSOR })])), false);
});

test("a suspended step calls to withdraw", () => {
  assert.deepEqual(ids(withdrawals(run([step(), step({ id: "K07", state: "suspended" })]))), ["K07"]);
});

test("what was written down is shown with its name", () => {
  const items = [{ id: "a", title: { zh: "人数", en: "Count" }, options: [], given: "12" }, { id: "b", title: { zh: "备", en: "b" }, options: [], given: "" }];
  assert.equal(givenText(step({ evidence_items: items, why: "门已锁" }), zh), "人数:12 · 门已锁");
});
