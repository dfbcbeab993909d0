import assert from "node:assert/strict";
import { test } from "node:test";

import { Words, chooseLanguage } from "../../../../console/static/js/i18n.js";

test("the stored choice wins", () => {
  assert.equal(chooseLanguage("en", ["zh-CN"]), "en");
  assert.equal(chooseLanguage("zh", ["en-US"]), "zh");
});

test("without a choice the browser's first language that we have decides", () => {
  const cases = [
    [["zh-CN", "en"], "zh"],
    [["zh-Hant-TW"], "zh"],
    [["ZH"], "zh"],
    [["en-GB", "zh-CN"], "en"],
    [["fr-FR", "zh-CN"], "zh"],
    [["fr-FR"], "en"],
    [["zha"], "en"],
    [[], "en"],
  ];
  for (const [languages, expected] of cases) assert.equal(chooseLanguage(null, languages), expected, languages.join());
});

test("a stored choice that is none is passed over", () => {
  assert.equal(chooseLanguage("tlh", ["zh-CN"]), "zh");
});

test("values go into the text once, as they are", () => {
  const words = new Words("en", { a: "{n} of {all}, {other}" });
  assert.equal(words.t("a", { n: "{all}", all: 3 }), "{all} of 3, {other}");
});

test("a key without text is shown as itself", () => {
  assert.equal(new Words("en", {}).t("toString"), "toString");
});

test("a text of the site in one language only is better than none", () => {
  const words = new Words("en", {});
  assert.equal(words.pick({ zh: "厨房", en: "Kitchen" }), "Kitchen");
  assert.equal(words.pick({ zh: "厨房" }), "厨房");
  assert.equal(words.pick(null), "");
});
