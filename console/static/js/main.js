// Starts the desk: texts, stream, site, devices, panels. Whatever goes wrong is said on the page.

import { ApiError, getDevices, getSite, post, request } from "./api.js";
import { Desk } from "./desk.js";
import { byId, setText } from "./dom.js";
import { loadWords, preferredLanguage, translatePage, wireLanguageButtons } from "./i18n.js";
import * as panels from "./panels.js";

const TICK_MS = 1000;
const HEARTBEAT_MS = 60_000;
const RETRY_MS = 10_000;
const ADOPT_MS = 30_000;
const ACTING = new Set(["officer", "admin"]);

/** Whoever signs out need not be told that the session has ended, should the stream find out before the answer is in. */
let isLeaving = false;

/** @param {"session" | ""} reason */
function toLogin(reason) {
  location.replace(reason ? `/login?reason=${reason}` : "/login");
}

/** Asks whether the session still stands; this also reads the server's clock. */
async function heartbeat() {
  try {
    await request("/me");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // Anything but an ended session shows in the state of the stream.
    if (error.status === 401) toLogin(isLeaving ? "" : "session");
  }
}

/** @param {string} text */
function showFatal(text) {
  byId("loading").hidden = true;
  byId("fatal").hidden = false;
  setText(byId("fatal-text"), text);
  byId("retry").addEventListener("click", () => location.reload());
  setTimeout(() => location.reload(), RETRY_MS);
}

/** @param {Desk} desk */
function drawSite(desk) {
  setText(byId("site-title"), desk.words.pick(desk.site.title));
  setText(byId("user"), desk.user);
  const banner = desk.words.pick(desk.site.banner);
  setText(byId("banner"), banner);
  byId("banner").hidden = !banner;
}

/** Devices that were added while the page stood open. @param {Desk} desk */
async function adopt(desk) {
  if (desk.store.unknown.size) await askDevices(desk);
}

/** @param {Desk} desk */
async function askDevices(desk) {
  try {
    desk.store.setDevices(await getDevices());
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

/** @param {Desk} desk */
function beat(desk) {
  setInterval(() => {
    desk.stream.tick();
    desk.tell("tick");
  }, TICK_MS);
  setInterval(() => void heartbeat(), HEARTBEAT_MS);
  setInterval(() => void adopt(desk), ADOPT_MS);
}

/** @param {Desk} desk */
function wireSignOut(desk) {
  byId("sign-out").addEventListener("click", async () => {
    isLeaving = true;
    try {
      await post("/auth/logout");
    } catch (error) {
      isLeaving = false;
      if (!(error instanceof ApiError)) throw error;
      // Without an answer the cookie may still be valid: say so instead of pretending.
      if (error.status !== 401) return setText(byId("notice"), error.text(desk.words));
    }
    toLogin("");
  });
}

/** Null until the texts are there. @type {import("./i18n.js").Words | null} */
let currentWords = null;

async function start() {
  const words = await loadWords(preferredLanguage());
  currentWords = words;
  translatePage(words);
  const desk = new Desk(words, () => void heartbeat());
  addEventListener("pagehide", () => desk.stream.stop());
  addEventListener("pageshow", (event) => event.persisted && desk.stream.start());
  desk.stream.on("site", () => void askDevices(desk));
  desk.stream.start();
  const [site, me, devices] = await Promise.all([getSite(), request("/me"), getDevices()]);
  desk.site = site;
  desk.user = me?.username ?? "";
  desk.mayAct = ACTING.has(me?.role);
  for (const mount of Object.values(panels)) mount(desk);
  desk.on("language", () => drawSite(desk));
  wireLanguageButtons((chosen) => {
    currentWords = chosen;
    desk.setWords(chosen);
  });
  wireSignOut(desk);
  drawSite(desk);
  desk.store.setDevices(devices);
  desk.chooseFirst();
  byId("loading").hidden = true;
  byId("desk").hidden = false;
  beat(desk);
}

/** @param {unknown} error */
function fail(error) {
  if (error instanceof ApiError && error.status === 401) return toLogin("");
  if (error instanceof ApiError && currentWords) return showFatal(error.text(currentWords));
  const what = String(error);
  showFatal(currentWords?.t("error.page", { what }) ?? `页面无法启动。 The page cannot start. ${what}`);
  throw error;
}

await start().catch(fail);
