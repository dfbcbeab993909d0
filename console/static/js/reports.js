// The page of the reports: the form that enters what somebody smelled or saw, and what was reported, to be withdrawn.

import { ApiError, getSite, items, post, request } from "./api.js";
import { byId, element, setText } from "./dom.js";
import { loadWords, preferredLanguage, translatePage, wireLanguageButtons } from "./i18n.js";
import { WHATS, row } from "./report_row.js";

/** @typedef {import("./i18n.js").Words} Words */
/** @typedef {import("./api.js").Area} Area */
/** @typedef {import("./report_row.js").Report} Report */

const PAGE = 50;
const EVERY_MS = 15_000;
const MAY_ENTER = new Set(["officer", "admin"]);
const AGO_MIN = [0, 5, 15, 60];

class Page {
  /**
   * @param {Words} words
   * @param {import("./api.js").Site} site
   * @param {{username: string, role: string}} me
   * @param {Area[]} areas
   */
  constructor(words, site, me, areas) {
    this.words = words;
    this.site = site;
    this.me = me;
    this.areas = areas;
    /** @type {Report[]} */
    this.reports = [];
    /** @type {string | null} */
    this.next = null;
    this.busy = false;
  }

  get mayEnter() {
    return MAY_ENTER.has(this.me.role);
  }

  /** The first page, or the one behind what is on show. */
  async look(more = false) {
    const after = more && this.next ? `&after=${encodeURIComponent(this.next)}` : "";
    const found = await request(`/reports?limit=${PAGE}${after}`);
    this.reports = more ? [...this.reports, ...found.items] : found.items;
    this.next = found.next;
    this.drawList();
  }

  /** What others entered meanwhile; who writes is not disturbed, and pages that were asked for stay. */
  async refresh() {
    if (this.busy || this.reports.length > PAGE) return;
    await this.look().catch((error) => {
      if (!(error instanceof ApiError)) throw error;
    });
  }

  async enter() {
    const what = /** @type {HTMLInputElement | null} */ (document.querySelector("input[name=what]:checked"))?.value;
    const wish = { what, area: value("area"), text: value("text"), phone: value("phone"), ago_s: Number(value("ago")) * 60 };
    if (!what || !wish.area || !wish.text) return this.say("reports.incomplete");
    await this.act("/reports", wish, "reports.entered");
    /** @type {HTMLFormElement} */ (byId("form")).reset(); // nothing of one report goes into the next
    this.drawAreas();
  }

  /**
   * @param {string} path
   * @param {object} body
   * @param {string} done key of what is said when it was done
   */
  async act(path, body, done) {
    const answer = await post(path, body);
    this.say(answer?.status === "pending" ? "act.pending" : done);
    await this.look();
  }

  /** @param {string} key */
  say(key) {
    setText(byId("notice"), this.words.t(key));
  }

  /**
   * One thing at a time; a failure has words.
   * @param {() => Promise<void>} work
   */
  async during(work) {
    if (this.busy) return;
    this.busy = true;
    /** @type {HTMLButtonElement} */ (byId("submit")).disabled = true;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) return location.replace("/login?reason=session");
      // without an answer it may have been done all the same
      const doubt = error.status === 0 ? ` ${this.words.t("act.unknown")}` : "";
      setText(byId("notice"), `${error.text(this.words)}${doubt}`);
    } finally {
      this.busy = false;
      /** @type {HTMLButtonElement} */ (byId("submit")).disabled = false;
    }
  }

  draw() {
    const { words } = this;
    document.title = `${words.t("reports.title")} · ${words.pick(this.site.title)}`;
    setText(byId("site-title"), words.pick(this.site.title));
    setText(byId("user"), this.me.username);
    setText(byId("banner"), words.pick(this.site.banner));
    byId("banner").hidden = !this.site.banner;
    byId("form").hidden = !this.mayEnter;
    byId("read-only").hidden = this.mayEnter;
    const radios = Object.entries(WHATS).map(([what, key]) =>
      element("label", {}, element("input", { type: "radio", name: "what", value: what }), words.t(key)),
    );
    byId("whats").replaceChildren(element("legend", {}, words.t("reports.what")), ...radios);
    const times = AGO_MIN.map((min) =>
      element("option", { value: `${min}` }, min ? words.t("reports.minutes", { n: min }) : words.t("reports.now")),
    );
    byId("ago").replaceChildren(...times);
    this.drawAreas();
    this.drawList();
  }

  /** The areas whose name, address or id holds what is looked for. */
  drawAreas() {
    const wanted = value("find").toLowerCase();
    const named = this.areas.map((one) => ({ id: one.id, name: `${this.words.pick(one.title)} · ${one.address || one.id}` }));
    const found = named.filter((one) => `${one.name} ${one.id}`.toLowerCase().includes(wanted));
    const options = found.map((one) => element("option", { value: one.id }, one.name));
    const none = element("option", { value: "" }, this.words.t("reports.choose"));
    byId("area").replaceChildren(...(found.length === 1 ? options : [none, ...options]));
  }

  drawList() {
    const written = [...byId("list").querySelectorAll("input")].some((one) => one.value);
    if (written) return; // a reason that is being written stays there
    byId("list").replaceChildren(...this.reports.map((one) => row(one, this)));
    byId("none").hidden = this.reports.length > 0;
    byId("more").hidden = !this.next;
  }
}

/** @param {string} id */
function value(id) {
  return /** @type {HTMLInputElement} */ (byId(id)).value.trim();
}

async function start() {
  const words = await loadWords(preferredLanguage());
  translatePage(words);
  const [site, me, areas] = await Promise.all([getSite(), request("/me"), items("/areas", {})]);
  const page = new Page(words, site, me, areas);
  wireLanguageButtons((chosen) => {
    page.words = chosen;
    page.draw();
  });
  byId("find").addEventListener("input", () => page.drawAreas());
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    void page.during(() => page.enter());
  });
  byId("more").addEventListener("click", () => void page.during(() => page.look(true)));
  page.draw();
  await page.during(() => page.look());
  setInterval(() => void page.refresh(), EVERY_MS);
}

await start().catch((error) => {
  if (error instanceof ApiError && error.status === 401) location.replace("/login");
  else setText(byId("notice"), `页面无法启动。 The page cannot start. ${error}`);
});
