// Texts of the pages in Chinese and English. `chooseLanguage` and `Words` are pure; the rest reads the browser.

/** @typedef {"zh" | "en"} Language */
/** @typedef {{zh: string, en: string}} Text */

const STORAGE_KEY = "gengfu.language";

/**
 * The stored choice, else the first of the browser's languages that we have; `zh*` is Chinese, anything else English.
 * @param {string | null} stored
 * @param {readonly string[]} languages
 * @returns {Language}
 */
export function chooseLanguage(stored, languages) {
  if (stored === "zh" || stored === "en") return stored;
  const first = languages.find((one) => /^(zh|en)(-|$)/i.test(one)) ?? "en";
  return first.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** One language's texts. */
export class Words {
  /**
   * @param {Language} language
   * @param {Record<string, string>} texts
   */
  constructor(language, texts) {
    this.language = language;
    this.texts = texts;
  }

  /** The BCP 47 tag for `<html lang>` and `Intl`. */
  get tag() {
    return this.language === "zh" ? "zh-CN" : "en-GB";
  }

  /** @param {string} key */
  has(key) {
    return Object.hasOwn(this.texts, key);
  }

  /**
   * The text of `key` with `{name}` replaced. A key without text is shown as itself, so that nothing is ever blank.
   * @param {string} key
   * @param {Record<string, string | number>} [values]
   */
  t(key, values = {}) {
    const text = this.has(key) ? this.texts[key] : key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
  }

  /**
   * A site's or profile's own text in this language, else in the other one.
   * @param {Partial<Text> | null | undefined} text
   */
  pick(text) {
    return text?.[this.language] || text?.zh || text?.en || "";
  }
}

/** @returns {Language} */
export function preferredLanguage() {
  let stored = null;
  try {
    stored = localStorage.getItem(STORAGE_KEY);
  } catch {
    // Storage may be forbidden; the browser's languages still serve.
  }
  return chooseLanguage(stored, navigator.languages ?? [navigator.language]);
}

/**
 * @param {Language} language
 * @returns {Promise<Words>} throws when the texts cannot be had
 */
export async function loadWords(language) {
  const answer = await fetch(`/static/i18n/${language}.json`);
  if (!answer.ok) throw new Error(`texts of ${language}: HTTP ${answer.status}`);
  return new Words(language, await answer.json());
}

/** @param {Language} language */
export function rememberLanguage(language) {
  try {
    localStorage.setItem(STORAGE_KEY, language);
  } catch {
    // The choice then lasts as long as the page.
  }
}

/**
 * Fills every `data-i18n` (text) and `data-i18n-label` (aria-label) below `root` and sets the document's language.
 * @param {Words} words
 * @param {ParentNode} [root]
 */
export function translatePage(words, root = document) {
  document.documentElement.lang = words.tag;
  for (const node of root.querySelectorAll("[data-i18n]")) {
    node.textContent = words.t(/** @type {HTMLElement} */ (node).dataset.i18n ?? "");
  }
  for (const node of root.querySelectorAll("[data-i18n-label]")) {
    node.setAttribute("aria-label", words.t(/** @type {HTMLElement} */ (node).dataset.i18nLabel ?? ""));
  }
  for (const node of root.querySelectorAll("button[data-language]")) {
    node.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (node).dataset.language === words.language));
  }
}

/**
 * Wires the language buttons of the page.
 * @param {(words: Words) => void} onChange called after the page's own texts have changed
 */
export function wireLanguageButtons(onChange) {
  for (const node of document.querySelectorAll("button[data-language]")) {
    node.addEventListener("click", async () => {
      const language = /** @type {Language} */ (/** @type {HTMLElement} */ (node).dataset.language);
      const words = await loadWords(language);
      rememberLanguage(language);
      translatePage(words);
      onChange(words);
    });
  }
}
