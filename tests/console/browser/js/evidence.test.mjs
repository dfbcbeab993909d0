import assert from "node:assert/strict";
import { test } from "node:test";

import { fieldsOf, filesOf, givenTo, shown } from "../../../../console/static/js/evidence.js";
import { words } from "./desk_words.mjs";

const en = words("en");
const NOW = Date.parse("2026-11-23T02:32:40Z");
const text = (word) => ({ zh: word, en: word });
const OPTIONS = [{ id: "power", title: text("Power") }, { id: "road", title: text("Road") }];
const item = (kind, more = {}) => ({ id: kind, kind, title: text("Item"), at: "finish", at_least: null, unit: null, options: [], given: "", ...more });

test("each kind of evidence is asked for by a control of its own", () => {
  const asked = [
    item("text"),
    item("count", { at_least: 6 }),
    item("reading", { unit: "%{LEL}" }),
    item("choice", { options: OPTIONS }),
    item("checklist", { options: OPTIONS }),
    item("photo"),
  ].flatMap((one) => fieldsOf(one, en, NOW));
  assert.deepEqual(
    asked.map((one) => [one.name, one.kind, one.label, one.required]),
    [
      ["evidence.text", "text", "Item", true],
      ["evidence.count", "count", "Item (≥ 6)", true],
      ["evidence.reading", "number", "Item (%{LEL})", true],
      ["evidence.choice", "choice", "Item", true],
      ["evidence.checklist.power", "check", "Item: Power", true],
      ["evidence.checklist.road", "check", "Item: Road", true],
      ["evidence.photo.file", "file", "Item", false],
      ["evidence.photo", "text", "Item · Note", false],
    ],
  );
});

test("of a choice nothing is chosen beforehand", () => {
  const [field] = fieldsOf(item("choice", { options: OPTIONS }), en, NOW);
  assert.deepEqual(field.options.map((one) => one.value), ["", "power", "road"]);
});

test("a local time goes out with its zone", () => {
  const time = item("time");
  const [field] = fieldsOf(time, en, NOW);
  assert.deepEqual(givenTo([time], { [field.name]: field.value }), { time: "2026-11-23T02:32:00.000Z" });
  assert.equal(Date.parse(shown({ ...time, given: "2026-11-23T02:32:00Z" }, en)), NOW - 40_000);
});

test("what was answered goes out under the names of the plan, and what is empty does not", () => {
  const asked = [item("text"), item("choice", { options: OPTIONS }), item("checklist", { options: OPTIONS }), item("photo")];
  const file = { name: "a.jpg" };
  const answer = {
    "evidence.text": "",
    "evidence.choice": "road",
    "evidence.checklist.power": true,
    "evidence.checklist.road": true,
    "evidence.photo.file": file,
    "evidence.photo": "the flange",
  };
  assert.deepEqual(filesOf(asked, answer), [["photo", file]]);
  assert.deepEqual(givenTo(asked, answer, { photo: "ab12" }), { choice: "road", checklist: "power road", photo: "photo:ab12 the flange" });
  assert.equal(givenTo(asked, { ...answer, "evidence.checklist.power": false }).checklist, "road");
  assert.deepEqual(filesOf(asked, { ...answer, "evidence.photo.file": "" }), []);
});

test("answers are shown in words", () => {
  assert.equal(shown(item("checklist", { options: OPTIONS, given: "power road" }), en), `Power${en.t("list.comma")}Road`);
  assert.equal(shown(item("choice", { options: OPTIONS, given: "road" }), en), "Road");
  assert.equal(shown(item("reading", { unit: "ppm", given: "4" }), en), "4 ppm");
  assert.equal(shown(item("text"), en), "");
});
