// The page of the dead letters: what the stores did not take, why, and a button that tries it again.

import { ApiError, getSite, post, request } from "./api.js";
import { byId, element, setText } from "./dom.js";
import { NO_VALUE, timeParts } from "./format.js";
import { loadWords, preferredLanguage, translatePage, wireLanguageButtons } from "./i18n.js";

/** @typedef {import("./i18n.js").Words} Words */
/**
 * @typedef {{id: number, store: string, reason: string, kind: string, at: string | null, device: string | null,
 *   sampled_at: string | null, size: number, text: string | null, hex: string | null}} Letter
 */
/** @typedef {{store: string, count: number, dropped: number}} Count */

const PAGE = 100;
const REPLAY_AT_ONCE = 500;
const MAY_REPLAY = new Set(["officer", "admin"]);
const HEADS = ["letters.head.store", "letters.head.at", "letters.head.device", "letters.head.reason", "letters.head.data"];

class Page {
  /**
   * @param {Words} words
   * @param {import("./api.js").Site} site
   * @param {{username: string, role: string}} me
   */
  constructor(words, site, me) {
    this.words = words;
    this.site = site;
    this.me = me;
    /** @type {Letter[]} */
    this.items = [];
    /** @type {Count[]} */
    this.stores = [];
    /** @type {string | null} */
    this.next = null;
    this.busy = false;
  }

  /** The first page, or the one behind what is on show. */
  async look(more = false) {
    const after = more && this.next ? `&after=${encodeURIComponent(this.next)}` : "";
    const found = await request(`/dead-letters?limit=${PAGE}${after}`);
    this.items = more ? [...this.items, ...found.items] : found.items;
    this.next = found.next;
    this.stores = found.stores;
    this.draw();
  }

  /** Tries every letter again, part by part, so that each answer comes soon. */
  async replay() {
    let stored = 0;
    let refused = 0;
    for (const { store } of this.stores.filter((one) => one.count)) {
      let after = /** @type {number | null} */ (0);
      while (after !== null) {
        const done = await post("/dead-letters/replay", { store, all: true, after, limit: REPLAY_AT_ONCE });
        stored += done.stored;
        refused += done.refused;
        after = done.next;
        setText(byId("notice"), this.words.t("letters.replayed", { stored, refused }));
      }
    }
    await this.look();
  }

  /**
   * One thing at a time; a failure has words.
   * @param {() => Promise<void>} work
   */
  async during(work) {
    if (this.busy) return;
    this.busy = true;
    this.draw();
    setText(byId("notice"), "");
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) return location.replace("/login?reason=session");
      setText(byId("notice"), error.text(this.words));
    } finally {
      this.busy = false;
      this.draw();
    }
  }

  draw() {
    const { words } = this;
    document.title = `${words.t("letters.title")} · ${words.pick(this.site.title)}`;
    setText(byId("site-title"), words.pick(this.site.title));
    setText(byId("user"), this.me.username);
    setText(byId("banner"), words.pick(this.site.banner));
    byId("banner").hidden = !this.site.banner;
    setText(byId("summary"), this.stores.map((one) => countText(one, words)).join(" · "));
    const replay = /** @type {HTMLButtonElement} */ (byId("replay"));
    replay.hidden = !MAY_REPLAY.has(this.me.role) || !this.stores.some((one) => one.count);
    replay.disabled = this.busy;
    byId("more").hidden = !this.next;
    // Without an answer of any store nobody knows whether there are letters.
    byId("none").hidden = !this.stores.length || this.items.length > 0;
    const head = HEADS.map((key) => element("th", { scope: "col" }, words.t(key)));
    const rows = this.items.map((one) => this.row(one));
    byId("letters").replaceChildren(
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows),
    );
  }

  /** @param {Letter} one */
  row(one) {
    const data = one.text ?? one.hex ?? "";
    return element(
      "tr",
      { "data-letter": `${one.store}:${one.id}` },
      element("td", {}, one.store, element("small", {}, `${one.id}`)),
      element("td", {}, this.when(one.at)),
      element("td", {}, one.device ?? NO_VALUE, element("small", {}, this.when(one.sampled_at))),
      element("td", {}, one.reason),
      element("td", {}, element("small", {}, data), element("small", {}, `${one.kind} · ${one.size} B`)),
    );
  }

  /** @param {string | null} at */
  when(at) {
    if (!at) return NO_VALUE;
    const { date, time } = timeParts(Date.parse(at), this.site.time_zone);
    return `${date} ${time}`;
  }
}

/**
 * @param {Count} one
 * @param {Words} words
 */
function countText(one, words) {
  const count = words.t("letters.count", { store: one.store, n: one.count });
  return one.dropped ? `${count} ${words.t("letters.dropped", { n: one.dropped })}` : count;
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
  byId("replay").addEventListener("click", () => void page.during(() => page.replay()));
  byId("more").addEventListener("click", () => void page.during(() => page.look(true)));
  await page.during(() => page.look());
}

await start().catch((error) => {
  if (error instanceof ApiError && error.status === 401) location.replace("/login");
  else setText(byId("notice"), `页面无法启动。 The page cannot start. ${error}`);
});
