// The page of the alarm metrics: how the alarm system itself does, beside its targets, on screen and on paper.

import { ApiError, getSite, request } from "./api.js";
import { byId, element, setText } from "./dom.js";
import { timeParts } from "./format.js";
import { loadWords, preferredLanguage, translatePage, wireLanguageButtons } from "./i18n.js";
import { MetricTables } from "./metric_tables.js";

/** @typedef {import("./i18n.js").Words} Words */
/** @typedef {import("./metric_tables.js").Metrics} Metrics */

const ORIGINS = ["live", "drill", "simulated"];

class Page {
  /**
   * @param {Words} words
   * @param {import("./api.js").Site} site
   * @param {{username: string}} me
   */
  constructor(words, site, me) {
    this.words = words;
    this.site = site;
    this.me = me;
    const asked = new URLSearchParams(location.search);
    this.from = asked.get("from") ?? "-1d";
    this.to = asked.get("to") ?? "now";
    this.origin = ORIGINS.find((one) => one === asked.get("origin")) ?? "live";
    /** @type {Metrics | null} */
    this.found = null;
    this.asked = 0;
    this.busy = false;
  }

  /** Asks anew; only the answer to the last question is shown. */
  async look() {
    this.asked += 1;
    const mine = this.asked;
    this.busy = true;
    this.draw();
    setText(byId("notice"), "");
    try {
      const query = new URLSearchParams({ from: this.from, to: this.to, origin: this.origin });
      const found = await request(`/alarms/metrics?${query}`);
      if (mine !== this.asked) return;
      this.found = found;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) return location.replace("/login?reason=session");
      if (mine !== this.asked) return;
      this.found = null; // old numbers under a new range would lie
      setText(byId("notice"), error.text(this.words));
    }
    this.busy = false;
    this.draw();
  }

  draw() {
    const { words, found } = this;
    document.title = `${words.t("metrics.title")} · ${words.pick(this.site.title)}`;
    setText(byId("site-title"), words.pick(this.site.title));
    setText(byId("user"), this.me.username);
    setText(byId("banner"), words.pick(this.site.banner));
    byId("banner").hidden = !this.site.banner;
    const main = /** @type {HTMLElement} */ (document.querySelector("main"));
    main.setAttribute("aria-busy", String(this.busy));
    for (const node of document.querySelectorAll("button[data-from]")) {
      const chosen = /** @type {HTMLElement} */ (node).dataset.from === this.from && this.to === "now";
      node.setAttribute("aria-pressed", String(chosen));
    }
    setText(byId("span"), found ? this.span(found) : "");
    setText(byId("definitions"), found ? this.definitions(found.definitions) : "");
    byId("incomplete").hidden = !found || found.complete;
    if (found) setText(byId("incomplete"), words.t("metrics.incomplete", { from: this.when(found.measured_from), n: found.unread }));
    for (const table of document.querySelectorAll(".metrics table")) table.replaceChildren();
    if (found) new MetricTables(words, (at) => this.when(at)).fill(found);
  }

  /** @param {Metrics} found */
  span(found) {
    const { words } = this;
    const { zone } = timeParts(Date.parse(found.to), this.site.time_zone);
    const span = words.t("metrics.span", { from: this.when(found.from), to: this.when(found.to), zone });
    const origin = found.origin === "live" ? words.t("metrics.live") : words.t("metrics.other", { origin: words.t(`origin.${found.origin}`) });
    return `${span} · ${origin}`;
  }

  /** @param {import("./metric_tables.js").Definitions} one */
  definitions(one) {
    const isVerified = one.source.every((source) => source.verified);
    const text = this.words.t("metrics.definitions", {
      above: one.flood_begins_above,
      below: one.flood_ends_below,
      times: one.chattering_times,
      within: one.chattering_within_s,
      fleeting: one.fleeting_within_s,
      stale: one.stale_after_s / 3600,
    });
    return isVerified ? text : `${text} (${this.words.t("metrics.unverified")})`;
  }

  /** @param {string} at */
  when(at) {
    const { date, minute } = timeParts(Date.parse(at), this.site.time_zone);
    return `${date} ${minute}`;
  }
}

async function start() {
  const words = await loadWords(preferredLanguage());
  translatePage(words);
  const [site, me] = await Promise.all([getSite(), request("/me")]);
  const page = new Page(words, site, me);
  wireLanguageButtons((chosen) => {
    page.words = chosen;
    page.draw();
  });
  for (const node of document.querySelectorAll("button[data-from]")) {
    node.addEventListener("click", () => {
      page.from = /** @type {HTMLElement} */ (node).dataset.from ?? "-1d";
      page.to = "now";
      void page.look();
    });
  }
  byId("print").addEventListener("click", () => window.print());
  await page.look();
}

await start().catch((error) => {
  if (error instanceof ApiError && error.status === 401) location.replace("/login");
  else setText(byId("notice"), `页面无法启动。 The page cannot start. ${error}`);
});
