// The sign-in page.

import { ApiError, getSite, post } from "./api.js";
import { byId, setText } from "./dom.js";
import { loadWords, preferredLanguage, translatePage, wireLanguageButtons } from "./i18n.js";

const REASONS = ["link", "session"];

/** @type {import("./i18n.js").Words} */
let words;
/** @type {import("./api.js").Site | null} */
let site = null;
/** The text on show, kept as a function so that it changes with the language. @type {() => string} */
let errorText = () => "";

/** @param {string} id */
const field = (id) => /** @type {HTMLInputElement} */ (byId(id));

function draw() {
  const reason = new URLSearchParams(location.search).get("reason") ?? "";
  setText(byId("reason"), REASONS.includes(reason) ? words.t(`login.reason-${reason}`) : "");
  setText(byId("site-title"), words.pick(site?.title));
  const banner = words.pick(site?.banner);
  setText(byId("banner"), banner);
  byId("banner").hidden = !banner;
  byId("demo-hint").hidden = !banner;
  setText(byId("error"), errorText());
  document.title = `${words.t("login.title")} · ${words.t("app.name")}`;
}

/** @param {() => string} text */
function showError(text) {
  errorText = text;
  draw();
}

/**
 * @param {ApiError} error
 * @returns {string}
 */
function failureText(error) {
  if (error.status === 401) return words.t("login.wrong");
  if (error.status === 429) return words.t("login.wait", { seconds: error.retryAfterS || 60 });
  return error.text(words);
}

/** @param {SubmitEvent} event */
async function submit(event) {
  event.preventDefault();
  const button = /** @type {HTMLButtonElement} */ (byId("submit"));
  const [username, password] = [field("username").value.trim(), field("password").value];
  if (!username || !password) return showError(() => words.t("login.incomplete"));
  button.disabled = true;
  showError(() => "");
  try {
    await post("/auth/login", { username, password });
    location.assign("/");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showError(() => failureText(error));
    button.disabled = false;
    field("password").select();
  }
}

async function start() {
  words = await loadWords(preferredLanguage());
  translatePage(words);
  wireLanguageButtons((chosen) => {
    words = chosen;
    draw();
  });
  byId("form").addEventListener("submit", (event) => void submit(/** @type {SubmitEvent} */ (event)));
  // Disabled in the page: a form sent before this line would leave the page with the password in it.
  /** @type {HTMLButtonElement} */ (byId("submit")).disabled = false;
  draw();
  // Whoever types already keeps the cursor.
  if (document.activeElement === document.body) field("username").focus();
  try {
    site = await getSite();
    draw();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showError(() => error.text(words));
  }
}

await start();
