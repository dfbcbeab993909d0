// The real texts and a few points, for the tests in this folder.

import { readFileSync } from "node:fs";

import { Words } from "../../../../console/static/js/i18n.js";

/** @param {"zh" | "en"} language */
export function words(language) {
  const file = new URL(`../../../../console/static/i18n/${language}.json`, import.meta.url);
  return new Words(language, JSON.parse(readFileSync(file, "utf8")));
}

/** @param {object} [more] */
export function point(more = {}) {
  return {
    name: "methane",
    title: { zh: "甲烷浓度", en: "Methane" },
    type: "number",
    unit: "%{LEL}",
    unit_text: "%LEL",
    decimals: 1,
    role: "gas",
    life_safety: true,
    final_element: false,
    states: [],
    ...more,
  };
}

export const valve = point({
  name: "valve",
  type: "enum",
  role: "valve",
  unit: "1",
  unit_text: "",
  life_safety: false,
  final_element: true,
  states: [
    { code: 1, name: "open", title: { zh: "开", en: "open" } },
    { code: 2, name: "closed", title: { zh: "关", en: "closed" } },
    { code: 4, name: "fault", title: { zh: "故障", en: "fault" } },
  ],
});

/** @param {string} id @param {object[]} [points] */
export function device(id, points = [point()]) {
  const title = { zh: id, en: id };
  return { id, profile: "a/b", title, area: { id: "a", title, kind: "mall", address: "" }, connection: "coap", last_seen: null, points };
}
