import assert from "node:assert/strict";
import { test } from "node:test";

import { actionText, byNeed, failures, reasonTexts, shownEffects, signOf, standing, statusText } from "../../../../console/static/js/interlock_words.js";
import { words } from "./desk_words.mjs";
import { RAISED, effect, interlock, iso } from "./duty_items.mjs";

const zh = words("zh");
const en = words("en");

test("done means closed for a valve and running for a fan", () => {
  assert.equal(statusText(effect(), zh), "已关,回读确认");
  assert.equal(statusText(effect({ action: "close-upstream-valve" }), en), "closed, read back");
  assert.equal(statusText(effect({ action: "start-fan" }), en), "running, read back");
});

test("what is asked of a person says so, and is nothing that moved", () => {
  assert.equal(statusText(effect({ action: "stop-intake" }), en), "stopped, read back");
  assert.equal(statusText(effect({ action: "ask-evacuation", status: "held" }), en), "a person is asked");
  assert.equal(statusText(effect({ action: "ask-person", status: "waiting" }), zh), "暂不需要");
  assert.equal(statusText(effect({ action: "hold-fan", status: "held" }), en), "held");
  for (const action of ["inhibit-fan", "stop-intake", "ask-person", "ask-evacuation"]) {
    assert.notEqual(actionText(effect({ action }), zh), action);
    assert.notEqual(actionText(effect({ action }), en), action);
  }
});

test("what a station must show is told by its proof, and each proof by itself", () => {
  const proofs = ["fan-proof", "station-alarm", "dispenser-stop-proof", "inlet-valve-proof", "esd", "station-valves-proof"];
  const shown = [...proofs, "compressor-proof", "filling", "plc-heartbeat"].map((one) => effect({ action: "expect", effect: one }));
  for (const one of shown) for (const language of [zh, en]) assert.match(actionText(one, language), /^(Station: |站控:)/);
  assert.equal(shownEffects(interlock({ effects: shown })).length, shown.length);
  assert.equal(statusText(effect({ action: "expect", status: "failed" }), en), "NOT SEEN in time");
  const [missing, asked] = ["failed", "waiting"].map((status) => [effect({ action: "expect", status })]);
  const seen = { mode: "observe", state: "tripped" };
  assert.deepEqual(standing(interlock({ ...seen, effects: missing })), { word: "unproven", level: "alarm" });
  assert.deepEqual(standing(interlock({ ...seen, effects: asked })), { word: "seen", level: "alarm" });
});

test("an effect that failed is loud", () => {
  const failed = effect({ status: "failed" });
  assert.equal(signOf(failed).level, "alarm");
  const one = interlock({ state: "tripped", effects: [effect(), failed] });
  assert.deepEqual(failures(one), [failed]);
  assert.deepEqual(standing(one), { word: "failed", level: "alarm" });
});

test("a status of a later release is no quiet one", () => {
  assert.deepEqual(signOf(effect({ status: "odd" })), { sign: "?", level: "warning" });
  assert.equal(statusText(effect({ status: "odd" }), en), "odd");
});

test("each missing permissive of a fan is said", () => {
  const held = effect({ action: "start-fan", status: "held", reason: ["ex_rated", "no_external_ingress", "new_word"] });
  assert.deepEqual(reasonTexts(held, zh), ["风机未证实为防爆型", "未排除外部燃气经风道进入", "new_word"]);
});

test("an interlock that does not know how it stands is not shown as armed", () => {
  assert.equal(standing(interlock({ state: "unknown" })).level, "warning");
  assert.equal(standing(interlock({ state: "odd" })).level, "warning");
  assert.equal(standing(interlock()).word, "armed");
  assert.equal(standing(interlock({ mode: "observe" })).word, "observe");
});

test("the zone in need stands first", () => {
  const zones = [
    interlock({ id: "armed" }),
    interlock({ id: "drill", origin: "drill", state: "tripped" }),
    interlock({ id: "closed", closed: ["d:1"] }),
    interlock({ id: "unknown", state: "unknown" }),
    interlock({ id: "tripped", state: "tripped", tripped_at: iso(RAISED) }),
    interlock({ id: "newer", state: "tripped", tripped_at: iso(RAISED + 1000) }),
    interlock({ id: "failed", state: "tripped", effects: [effect({ status: "failed" })] }),
  ];
  assert.deepEqual(zones.sort(byNeed).map((one) => one.id), ["failed", "newer", "tripped", "unknown", "closed", "armed", "drill"]);
});

test("two causes with the same effect are one row, another result is not", () => {
  const absent = effect({ action: "close-upstream-valve", device: null, status: "absent" });
  const effects = [effect(), absent, { ...absent, cause: "RK-2" }, effect({ status: "failed", cause: "RK-2" })];
  assert.deepEqual(shownEffects(interlock({ effects })).map((one) => one.status), ["done", "absent", "failed"]);
});
