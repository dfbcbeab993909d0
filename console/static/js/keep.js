// Draws the content of a list anew and gives back what a person was at: the focus, opened details, the scroll.

/**
 * Elements with `data-key` are found again by it.
 * @param {HTMLElement} place
 * @param {HTMLElement[]} nodes
 */
export function redraw(place, nodes) {
  const active = place.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.key : "";
  const open = new Set(keyed(place, "details[open]"));
  const known = new Set(keyed(place, "details"));
  place.replaceChildren(...nodes);
  for (const one of place.querySelectorAll("details")) {
    const key = one.dataset.key ?? "";
    if (known.has(key)) one.open = open.has(key);
  }
  if (active) /** @type {HTMLElement | null} */ (place.querySelector(`[data-key="${CSS.escape(active)}"]`))?.focus();
}

/** @param {HTMLElement} place @param {string} selector */
function keyed(place, selector) {
  return [...place.querySelectorAll(selector)].map((one) => /** @type {HTMLElement} */ (one).dataset.key ?? "");
}
