// One report as a row of its page, with the form that withdraws it.

import { pathOf } from "./act.js";
import { element } from "./dom.js";
import { timeParts } from "./format.js";

/** @typedef {import("./api.js").Area} Area */
/**
 * @typedef {{id: string, what: string, area: Area, origin: string, state: string, text: string, phone: string | null,
 *   who: string, at: string, noticed_at: string, withdrawn_at: string | null, withdrawn_by: string,
 *   withdrawn_why: string}} Report
 */
/**
 * @typedef {{words: import("./i18n.js").Words, site: import("./api.js").Site, mayEnter: boolean,
 *   say: (key: string) => void, during: (work: () => Promise<void>) => Promise<void>,
 *   act: (path: string, body: object, done: string) => Promise<void>}} Page
 */

export const WHATS = { odour: "reports.odour", "works-damage": "reports.works-damage", "fire-seen": "reports.fire-seen" };

/**
 * @param {Report} one
 * @param {Page} page
 */
export function row(one, page) {
  const { words } = page;
  /** @param {string} at */
  const when = (at) => {
    const { date, time } = timeParts(Date.parse(at), page.site.time_zone);
    return `${date} ${time}`;
  };
  const what = Object.entries(WHATS).find(([word]) => word === one.what);
  const origin = one.origin === "live" ? "" : ` ${words.t(`origin.${one.origin}`)}`;
  const title = `${what ? words.t(what[1]) : one.what} · ${words.pick(one.area.title)}${origin}`;
  const said = [when(one.noticed_at), one.who, one.phone].filter(Boolean).join(" · ");
  const item = element("li", { "data-report": one.id, "data-state": one.state }, element("strong", {}, title));
  item.append(element("p", {}, one.text), element("p", {}, element("small", {}, said)));
  if (one.withdrawn_at) {
    const values = { at: when(one.withdrawn_at), who: one.withdrawn_by, why: one.withdrawn_why };
    item.append(element("p", {}, element("small", {}, words.t("reports.withdrawn", values))));
  } else if (page.mayEnter) item.append(withdrawal(one, page));
  return item;
}

/**
 * @param {Report} one
 * @param {Page} page
 */
function withdrawal(one, page) {
  const label = page.words.t("reports.why");
  const why = element("input", { maxlength: "500", "aria-label": label, placeholder: label });
  const form = element("form", { novalidate: true }, why);
  form.append(element("button", { type: "submit" }, page.words.t("reports.withdraw")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const said = why.value.trim();
    if (!said) return page.say("reports.incomplete");
    why.value = "";
    void page.during(() => page.act(`/reports/${pathOf(one.id)}/withdraw`, { why: said }, "reports.gone"));
  });
  return form;
}
