// The tables of connections and of their devices.

import { element } from "./dom.js";
import { ageText, NO_VALUE, numberText } from "./format.js";

/** @typedef {import("./i18n.js").Words} Words */
/**
 * @typedef {{id: string, transport: string, place: string, state: string, since: string, reason: string,
 *   next_try_at: string | null, last_seen_at: string | null,
 *   devices: {total: number, lost: number, silent: number, unheard: number}, requests: number, requests_per_s: number,
 *   utilisation: number | null, rtt_p50_s: number | null, rtt_p95_s: number | null, errors: Record<string, number>,
 *   skipped_polls: number}} Connection
 */
/**
 * @typedef {{device: string, device_title: {zh: string, en: string}, state: string, since: string | null, reason: string,
 *   last_seen_at: string | null, requests: number, answers: number, rtt_p50_s: number | null, rtt_p95_s: number | null,
 *   errors: Record<string, number>, next_try_at: string | null, skipped_polls: number, clock_offset_s: number | null
 *   }} LinkedDevice
 */

const CONNECTION_HEADS = ["connection", "state", "seen", "devices", "rate", "busy", "rtt", "skipped", "errors"];
const DEVICE_HEADS = ["device", "state", "seen", "answers", "rtt", "clock", "skipped", "errors"];
const NUMBERS = new Set(["rate", "busy", "rtt", "skipped", "answers", "clock"]);

/**
 * @param {HTMLElement} table
 * @param {Connection[]} items
 * @param {string} chosen
 * @param {Words} words
 * @param {number} now ms
 * @param {(id: string) => void} choose
 */
export function drawConnections(table, items, chosen, words, now, choose) {
  const focused = document.activeElement?.getAttribute("data-open");
  const rows = items.map((one) => {
    const open = element("button", { type: "button", class: "open", "data-open": one.id }, one.id);
    open.addEventListener("click", () => choose(one.id));
    const name = element("td", {}, open, small(`${one.transport} · ${one.place}`));
    return element(
      "tr",
      { "data-connection": one.id, "aria-selected": String(one.id === chosen) },
      name,
      element("td", {}, state("connection.state", one.state, words), small(stateNote(one, words, now))),
      cell(ago(one.last_seen_at, words, now)),
      cell(deviceCount(one, words)),
      number(one.requests ? perSecond(one.requests_per_s, words) : NO_VALUE),
      number(one.utilisation === null ? NO_VALUE : `${numberText(one.utilisation * 100, 1, words.tag)} %`),
      number(roundTrip(one, words)),
      number(String(one.skipped_polls)),
      cell(errorText(one.errors, words)),
    );
  });
  table.replaceChildren(head(CONNECTION_HEADS, words), element("tbody", {}, ...rows));
  if (focused) table.querySelector(`[data-open="${CSS.escape(focused)}"]`)?.focus();
}

/**
 * @param {HTMLElement} table
 * @param {LinkedDevice[]} items
 * @param {Words} words
 * @param {number} now ms
 */
export function drawDevices(table, items, words, now) {
  const rows = items.map((one) =>
    element(
      "tr",
      { "data-device": one.device },
      element("td", {}, words.pick(one.device_title), small(one.device)),
      element("td", {}, state("link.state", one.state, words), small(deviceNote(one, words, now))),
      cell(ago(one.last_seen_at, words, now)),
      number(one.requests ? `${one.answers} / ${one.requests}` : NO_VALUE),
      number(roundTrip(one, words)),
      number(one.clock_offset_s === null ? NO_VALUE : `${numberText(one.clock_offset_s, 1, words.tag)} s`),
      number(String(one.skipped_polls)),
      cell(errorText(one.errors, words)),
    ),
  );
  table.replaceChildren(head(DEVICE_HEADS, words), element("tbody", {}, ...rows));
}

/**
 * @param {string[]} names
 * @param {Words} words
 */
function head(names, words) {
  const cells = names.map((name) =>
    element("th", { scope: "col", class: NUMBERS.has(name) ? "number" : "" }, words.t(`connections.head.${name}`)),
  );
  return element("thead", {}, element("tr", {}, ...cells));
}

/** @param {string} text */
const small = (text) => element("small", {}, text);

/** @param {string} text */
const cell = (text) => element("td", {}, text);

/** @param {string} text */
const number = (text) => element("td", { class: "number" }, text);

/**
 * @param {string} prefix
 * @param {string} word
 * @param {Words} words
 */
function state(prefix, word, words) {
  return element("span", { class: "state", "data-state": word }, words.t(`${prefix}.${word}`));
}

/**
 * @param {Connection} one
 * @param {Words} words
 * @param {number} now
 */
function stateNote(one, words, now) {
  const notes = [words.t("connections.since", { age: ageText(now - Date.parse(one.since), words) }), one.reason];
  return [...notes, nextTry(one.next_try_at, words, now)].filter(Boolean).join(" · ");
}

/**
 * @param {LinkedDevice} one
 * @param {Words} words
 * @param {number} now
 */
function deviceNote(one, words, now) {
  const since = one.since ? words.t("connections.since", { age: ageText(now - Date.parse(one.since), words) }) : "";
  return [since, one.reason, nextTry(one.next_try_at, words, now)].filter(Boolean).join(" · ");
}

/**
 * @param {string | null} at
 * @param {Words} words
 * @param {number} now
 */
function nextTry(at, words, now) {
  if (!at) return "";
  return words.t("connections.next-try", { n: Math.max(0, Math.ceil((Date.parse(at) - now) / 1000)) });
}

/**
 * @param {string | null} at
 * @param {Words} words
 * @param {number} now
 */
function ago(at, words, now) {
  return at ? ageText(now - Date.parse(at), words) : words.t("connections.never");
}

/**
 * @param {Connection} one
 * @param {Words} words
 */
function deviceCount(one, words) {
  const { total, lost, silent, unheard } = one.devices;
  const wrong = [["lost", lost], ["silent", silent], ["unheard", unheard]].filter(([, n]) => n);
  const told = wrong.map(([word, n]) => `${words.t(`link.state.${word}`)} ${n}`);
  return [String(total), ...told].join(" · ");
}

/**
 * @param {number} rate
 * @param {Words} words
 */
function perSecond(rate, words) {
  return words.t("connections.per-second", { n: numberText(rate, 1, words.tag) });
}

/**
 * @param {{rtt_p50_s: number | null, rtt_p95_s: number | null}} one
 * @param {Words} words
 */
function roundTrip(one, words) {
  if (one.rtt_p50_s === null || one.rtt_p95_s === null) return NO_VALUE;
  return [one.rtt_p50_s, one.rtt_p95_s].map((s) => numberText(s * 1000, 1, words.tag)).join(" / ") + " ms";
}

/**
 * What went wrong, the most frequent first; kinds without words are shown as the API names them.
 * @param {Record<string, number>} errors
 * @param {Words} words
 */
function errorText(errors, words) {
  const sorted = Object.entries(errors).sort(([, a], [, b]) => b - a);
  const named = sorted.map(([kind, times]) => {
    const key = `connection.error.${kind}`;
    return `${words.has(key) ? words.t(key) : kind} ${times}`;
  });
  return named.join(" · ") || NO_VALUE;
}
