// A priority as a shape with its number: colour is never the only sign.

import { element } from "./dom.js";

/**
 * @param {string} priority
 * @param {number} number 1 is the most pressing
 */
export function shapeOf(priority, number) {
  return element("span", { class: "shape", "data-priority": priority, "aria-hidden": "true" }, element("b", {}, String(number)));
}
