// The tables of the alarm metrics page: each number for all alarms and without diagnostics, beside its target.

import { byId, element } from "./dom.js";
import { NO_VALUE, numberText } from "./format.js";

/** @typedef {import("./i18n.js").Words} Words */
/** @typedef {import("./i18n.js").Text} Text */
/** @typedef {{compare: string, limit: number, verified: boolean, source: {what: string, source: string}[]}} Target */
/** @typedef {{name: string, value: number | null, unit: string, target: Target | null, met: boolean | null}} Figure */
/**
 * @typedef {{alarm: string, title: Text, device_title: Text, rule: string, count?: number, share?: number,
 *   priority?: string, raised_at?: string}} Listed
 */
/**
 * @typedef {{numbers: Figure[], top: Listed[], chattering: Listed[], stale: Listed[],
 *   priorities: {priority: string, announced: number, share: number | null, standing: number}[]}} MetricsSet
 */
/**
 * @typedef {{flood_begins_above: number, flood_ends_below: number, chattering_times: number, chattering_within_s: number,
 *   fleeting_within_s: number, stale_after_s: number, source: {verified: boolean}[]}} Definitions
 */
/**
 * @typedef {{from: string, to: string, measured_from: string, complete: boolean, unread: number, origin: string,
 *   everything: MetricsSet, without_diagnostics: MetricsSet, definitions: Definitions}} Metrics
 */

const HEADS = ["metrics.head.number", "metrics.head.everything", "metrics.head.operational", "metrics.head.target", "metrics.head.source"];
const PRIORITY_HEADS = ["metrics.head.priority", "metrics.head.everything", "metrics.head.operational", "metrics.head.standing"];
const OFTEN_HEADS = ["metrics.head.alarm", "metrics.head.device", "metrics.head.times", "metrics.head.share"];
const STALE_HEADS = ["metrics.head.alarm", "metrics.head.device", "metrics.head.priority", "metrics.head.since"];

/** Fills the tables of the page. */
export class MetricTables {
  /**
   * @param {Words} words
   * @param {(at: string) => string} when how a time is written
   */
  constructor(words, when) {
    this.words = words;
    this.when = when;
  }

  /** @param {Metrics} found */
  fill(found) {
    const { everything, without_diagnostics: operational } = found;
    this.table("numbers", HEADS, everything.numbers.map((one, at) => this.figure(one, operational.numbers[at])));
    const rows = everything.priorities.map((one, at) => [
      this.words.t(`alarm.priority.${one.priority}`),
      this.part(one),
      this.part(operational.priorities[at]),
      this.number(one.standing, 0),
    ]);
    this.table("priorities", PRIORITY_HEADS, rows);
    this.table("top", OFTEN_HEADS, everything.top.map((one) => this.often(one)));
    this.table("chattering", OFTEN_HEADS, everything.chattering.map((one) => this.often(one)));
    const stale = everything.stale.map((one) => [
      ...this.named(one),
      this.words.t(`alarm.priority.${one.priority}`),
      this.when(one.raised_at ?? ""),
    ]);
    this.table("stale", STALE_HEADS, stale);
  }

  /**
   * @param {string} id
   * @param {string[]} heads
   * @param {(string | Node)[][]} rows
   */
  table(id, heads, rows) {
    const { words } = this;
    const head = element("tr", {}, ...heads.map((key) => element("th", { scope: "col" }, words.t(key))));
    const none = element("tr", {}, element("td", { colspan: String(heads.length) }, words.t("metrics.none")));
    const body = rows.map((cells) =>
      element("tr", {}, ...cells.map((cell) => (cell instanceof HTMLTableCellElement ? cell : element("td", {}, cell)))),
    );
    byId(id).replaceChildren(element("thead", {}, head), element("tbody", {}, ...(body.length ? body : [none])));
  }

  /**
   * @param {Figure} all
   * @param {Figure} operational
   */
  figure(all, operational) {
    const { words } = this;
    const { target } = all;
    const unverified = target && !target.verified ? ` (${words.t("metrics.unverified")})` : "";
    return [
      words.t(`metrics.number.${all.name}`),
      this.cell(all),
      this.cell(operational),
      target ? words.t(`metrics.compare.${target.compare}`, { n: this.value(target.limit, all, 0) }) : NO_VALUE,
      target ? element("small", {}, target.source.map((one) => one.source).join("; ") + unverified) : NO_VALUE,
    ];
  }

  /** @param {Figure} one */
  cell(one) {
    const text = one.value === null ? NO_VALUE : this.value(one.value, one, decimals(one));
    const missed = one.met === false ? [element("small", {}, this.words.t("metrics.missed"))] : [];
    return element("td", { "data-number": one.name, "data-met": String(one.met) }, text, ...missed);
  }

  /**
   * @param {number} value
   * @param {Figure} of
   * @param {number} places
   */
  value(value, of, places) {
    return `${this.number(value, places)}${of.unit === "1" ? "" : ` ${of.unit}`}`;
  }

  /** @param {number} value @param {number} places */
  number(value, places) {
    return numberText(value, places, this.words.tag);
  }

  /** @param {{announced: number, share: number | null}} one */
  part(one) {
    return one.share === null ? this.number(one.announced, 0) : `${this.number(one.announced, 0)} (${this.number(one.share, 1)} %)`;
  }

  /** @param {Listed} one */
  often(one) {
    return [...this.named(one), this.number(one.count ?? 0, 0), `${this.number(one.share ?? 0, 1)} %`];
  }

  /** @param {Listed} one */
  named(one) {
    const { words } = this;
    const title = element("td", { "data-alarm": one.alarm }, words.pick(one.title), element("small", {}, one.alarm));
    return [title, words.pick(one.device_title)];
  }
}

/** @param {Figure} one */
function decimals(one) {
  if (one.name.endsWith("-mean")) return 2;
  return one.unit === "1" ? 0 : 1;
}
