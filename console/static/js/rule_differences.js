// The page of the rule differences: what runs otherwise than it is shipped, who approved it when, and what nobody did.

import { ApiError, getSite, request } from "./api.js";
import { byId, element, setText } from "./dom.js";
import { NO_VALUE } from "./format.js";
import { loadWords, preferredLanguage, translatePage, wireLanguageButtons } from "./i18n.js";

/** @typedef {import("./i18n.js").Words} Words */
/** @typedef {import("./i18n.js").Text} Text */
/**
 * @typedef {{id: string, kind: string, title: Text | null, key: string, shipped: string | null, approved: string | null,
 *   running: string | null, is_approved: boolean, approved_by: string[], approved_on: string | null, why: string,
 *   file: string}} Difference
 */
/** @typedef {{items: Difference[], deviations: string[]}} Differences */

const HEADS = [
  "rules.head.rule",
  "rules.head.key",
  "rules.head.shipped",
  "rules.head.approved",
  "rules.head.running",
  "rules.head.by",
  "rules.head.on",
  "rules.head.why",
];

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
    /** @type {Differences | null} */
    this.found = null;
  }

  /** Asks once; the files of the site are read anew for it. */
  async look() {
    this.draw();
    try {
      this.found = await request("/rules/differences");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) return location.replace("/login?reason=session");
      setText(byId("notice"), error.text(this.words));
    }
    this.draw();
  }

  draw() {
    const { words, found } = this;
    document.title = `${words.t("rules.title")} · ${words.pick(this.site.title)}`;
    setText(byId("site-title"), words.pick(this.site.title));
    setText(byId("user"), this.me.username);
    setText(byId("banner"), words.pick(this.site.banner));
    byId("banner").hidden = !this.site.banner;
    const lines = found ? found.deviations : [];
    setText(byId("summary"), found ? this.summary(lines.length) : "");
    byId("deviations").hidden = !lines.length;
    byId("deviations").replaceChildren(...lines.map((line) => element("li", {}, line)));
    byId("none").hidden = !found || found.items.length > 0;
    const head = HEADS.map((key) => element("th", { scope: "col" }, words.t(key)));
    const rows = found ? found.items.map((one) => this.row(one)) : [];
    const table = [element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows)];
    byId("differences").replaceChildren(...(rows.length ? table : []));
  }

  /** @param {number} count */
  summary(count) {
    return count ? this.words.t("rules.deviations", { n: count }) : this.words.t("rules.as-approved");
  }

  /** @param {Difference} one */
  row(one) {
    const { words } = this;
    const wrong = one.is_approved ? [] : [element("small", {}, words.t("rules.not-approved"))];
    const file = one.file ? [element("small", {}, words.t("rules.file", { file: one.file }))] : [];
    return element(
      "tr",
      { "data-difference": `${one.id} ${one.key}`.trim() },
      element("td", {}, one.id, element("small", {}, one.title ? words.pick(one.title) : "")),
      element("td", {}, one.key || words.t("rules.whole")),
      element("td", {}, one.shipped ?? NO_VALUE),
      element("td", {}, one.approved ?? NO_VALUE),
      element("td", { "data-met": String(one.is_approved) }, one.running ?? NO_VALUE, ...wrong),
      element("td", {}, one.approved_by.join(", ") || NO_VALUE),
      element("td", {}, one.approved_on ?? NO_VALUE),
      element("td", {}, one.why || NO_VALUE, ...file),
    );
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
  await page.look();
}

await start().catch((error) => {
  if (error instanceof ApiError && error.status === 401) location.replace("/login");
  else setText(byId("notice"), `页面无法启动。 The page cannot start. ${error}`);
});
