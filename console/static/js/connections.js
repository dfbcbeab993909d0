// The connections page: asks the API every two seconds, and shows each connection, its devices and its wire log.

import { ApiError, getSite, request, serverNow } from "./api.js";
import { drawConnections, drawDevices } from "./connection_tables.js";
import { byId, setText } from "./dom.js";
import { loadWords, preferredLanguage, translatePage, wireLanguageButtons } from "./i18n.js";
import { Wire } from "./wire.js";

/** @typedef {import("./connection_tables.js").Connection} Connection */
/** @typedef {import("./i18n.js").Words} Words */

const EVERY_MS = 2000;
const MAY_SEE_WIRE = new Set(["officer", "admin"]);

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
    /** @type {Connection[]} */
    this.items = [];
    this.chosen = decodeURIComponent(location.hash.slice(1));
    /** @type {any} */
    this.detail = null;
    this.wire = new Wire(byId("wire"), site.time_zone);
  }

  /** Asks for everything that is on show. */
  async look() {
    try {
      this.items = (await request("/connections")).items;
      if (!this.items.some((one) => one.id === this.chosen)) this.choose(this.items[0]?.id ?? "");
      this.detail = this.chosen ? await request(`/connections/${encodeURI(this.chosen)}`) : null;
      if (this.chosen && !byId("wire").hidden) await this.wire.follow(this.chosen);
      setText(byId("notice"), "");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) return location.replace("/login?reason=session");
      setText(byId("notice"), error.text(this.words));
    }
    this.draw();
  }

  /** @param {string} id */
  choose(id) {
    if (id === this.chosen) return;
    this.chosen = id;
    this.detail = null;
    this.wire.clear();
    history.replaceState(null, "", `#${encodeURI(id)}`);
  }

  draw() {
    const { words, items, detail } = this;
    document.title = `${words.t("connections.title")} · ${words.pick(this.site.title)}`;
    setText(byId("site-title"), words.pick(this.site.title));
    setText(byId("user"), this.me.username);
    setText(byId("banner"), words.pick(this.site.banner));
    byId("banner").hidden = !this.site.banner;
    const down = items.filter((one) => one.state !== "up").length;
    setText(byId("summary"), words.t("connections.summary", { n: items.length, down }));
    drawConnections(byId("connections"), items, this.chosen, words, serverNow(), (id) => {
      this.choose(id);
      void this.look();
    });
    byId("detail").hidden = !detail;
    if (!detail) return;
    setText(byId("detail-title"), detail.id);
    setText(byId("detail-reason"), detail.reason);
    drawDevices(byId("devices"), detail.device_items, words, serverNow());
    byId("wire-toggle").hidden = !MAY_SEE_WIRE.has(this.me.role);
    const open = !byId("wire").hidden;
    byId("wire-toggle").setAttribute("aria-expanded", String(open));
    setText(byId("wire-toggle"), words.t(open ? "connections.wire-hide" : "connections.wire-show"));
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
  byId("wire-toggle").addEventListener("click", () => {
    byId("wire").hidden = !byId("wire").hidden;
    void page.look();
  });
  for (;;) {
    await page.look();
    await new Promise((done) => setTimeout(done, EVERY_MS));
  }
}

await start().catch((error) => {
  if (error instanceof ApiError && error.status === 401) location.replace("/login");
  else setText(byId("notice"), `页面无法启动。 The page cannot start. ${error}`);
});
