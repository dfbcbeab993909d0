// The blind list: every life-safety point that cannot be relied upon now, and why (safety rule S6).
// Opened from the count in the health strip.

import { byId, element, setText } from "./dom.js";
import { qualityText } from "./format.js";

/** @typedef {import("./desk.js").Desk} Desk */

/** @param {Desk} desk */
export default function mount(desk) {
  const place = byId("panel-blind");
  const button = byId("blind");
  const heading = element("h2");
  const list = element("ul", { class: "blind-list" });
  place.append(heading, list);
  let drawn = "";

  const draw = () => {
    if (place.hidden) return;
    const blind = desk.store.blind(desk.now());
    const key = desk.words.language + blind.map((one) => `${one.device.id}/${one.point.name}=${one.condition.quality}`);
    if (key === drawn) return;
    drawn = key;
    setText(heading, desk.t("blind.title"));
    const none = element("li", { class: "empty" }, desk.t("blind.none"));
    list.replaceChildren(...(blind.length ? blind.map((one) => row(desk, one)) : [none]));
  };
  button.addEventListener("click", () => {
    place.hidden = !place.hidden;
    button.setAttribute("aria-expanded", String(!place.hidden));
    draw();
  });
  desk.on("tick", draw);
  desk.on("language", draw);
}

/**
 * @param {Desk} desk
 * @param {ReturnType<import("./store.js").Store["blind"]>[number]} one
 */
function row(desk, { device, point, condition }) {
  const { words } = desk;
  const button = element(
    "button",
    { type: "button" },
    element("span", { class: "where" }, `${words.pick(device.area.title)} · ${words.pick(device.title)}`),
    element("span", { class: "what" }, words.pick(point.title)),
    element("span", { class: "why" }, qualityText(condition.quality, words)),
  );
  button.addEventListener("click", () => {
    desk.choose(device.id, point.name);
    document.querySelector(`[data-device="${CSS.escape(device.id)}"]`)?.scrollIntoView({ block: "nearest" });
  });
  return element("li", {}, button);
}
