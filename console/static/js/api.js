// The HTTP API. Errors are one class with a text key, so that every failure has words on the page.

/** @typedef {import("./i18n.js").Text} Text */
/** @typedef {import("./i18n.js").Words} Words */
/**
 * @typedef {{name: string, title: Text, type: "number" | "counter" | "flag" | "enum" | "text", unit: string,
 *   unit_text: string, decimals: number, role: string | null, life_safety: boolean, final_element: boolean,
 *   states: {code: number, name: string, title: Text}[]}} Point
 */
/** @typedef {{id: string, title: Text, kind: string, address: string}} Area */
/**
 * @typedef {{id: string, profile: string, title: Text, area: Area, connection: string, last_seen: string | null,
 *   points: Point[]}} Device
 */
/** @typedef {{id: string, title: Text, time_zone: string, banner: Text | null, demo?: boolean, version: string}} Site */

const TIMEOUT_MS = 10_000;
const PAGES_MAX = 20;

/** A request that did not give what was asked for. `key` names its text; `status` is 0 without an answer. */
export class ApiError extends Error {
  /**
   * @param {string} key
   * @param {{status?: number, problem?: Record<string, unknown>, retryAfterS?: number, path?: string}} [more]
   */
  constructor(key, { status = 0, problem = {}, retryAfterS = 0, path = "" } = {}) {
    super(`${key} ${status} ${path}`);
    this.key = key;
    this.status = status;
    this.problem = problem;
    this.retryAfterS = retryAfterS;
    this.path = path;
  }

  /** @param {Words} words */
  text(words) {
    const base = words.t(this.key, { status: this.status, path: this.path, seconds: this.retryAfterS });
    const detail = words.language === "zh" ? this.problem.detail_zh : this.problem.detail;
    return typeof detail === "string" && detail ? `${base} ${detail}` : base;
  }
}

/** Milliseconds that the server's clock is ahead of this computer's. */
let clockOffset = 0;

/** The server's time, ms: the desk's own clock may be wrong, and ages must not be. */
export function serverNow() {
  return Date.now() + clockOffset;
}

/** @param {Response} answer */
function readClock(answer) {
  const at = Date.parse(answer.headers.get("Date") ?? "");
  if (Number.isNaN(at)) return;
  // The header has whole seconds: a smaller difference says nothing.
  const offset = at + 500 - Date.now();
  clockOffset = Math.abs(offset) > 2000 ? offset : 0;
}

/**
 * @param {string} path below /api/v1
 * @param {RequestInit & {timeoutMs?: number}} [options]
 * @returns {Promise<any>} the JSON answer, or null for 204; throws `ApiError`
 */
export async function request(path, { timeoutMs = TIMEOUT_MS, ...options } = {}) {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const [place] = path.split("?");
  let answer;
  try {
    answer = await fetch(`/api/v1${path}`, { credentials: "same-origin", cache: "no-store", ...options, signal });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError("error.unreachable", { path: place });
  }
  readClock(answer);
  const body = answer.status === 204 ? null : await answer.json().catch(() => undefined);
  if (!answer.ok) throw failure(answer, body, place);
  if (body === undefined) throw new ApiError("error.shape", { status: answer.status, path: place });
  return body;
}

/**
 * @param {Response} answer
 * @param {unknown} body
 * @param {string} path
 */
function failure(answer, body, path) {
  const problem = /** @type {Record<string, unknown>} */ (body && typeof body === "object" ? body : {});
  const retryAfterS = Number(answer.headers.get("Retry-After")) || 0;
  const keys = { 401: "error.unauthorized", 403: "error.forbidden", 404: "error.missing", 409: "error.not-done", 429: "error.busy" };
  const key = keys[/** @type {401} */ (answer.status)] ?? (answer.status >= 500 ? "error.server" : "error.refused");
  return new ApiError(key, { status: answer.status, problem, retryAfterS, path });
}

/**
 * @param {string} path
 * @param {unknown} [body]
 */
export function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return request(path, { method: "POST", headers, body: body === undefined ? undefined : JSON.stringify(body) });
}

/**
 * All items of a collection, page by page. A list cut short would hide something, and is an error.
 * @param {string} path
 * @param {Record<string, string>} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<any[]>}
 */
export async function items(path, query, signal) {
  const found = [];
  const asked = new URLSearchParams(query);
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const body = await request(`${path}?${asked}`, { signal });
    if (!Array.isArray(body?.items)) throw new ApiError("error.shape", { status: 200, path });
    found.push(...body.items);
    if (!body.next) return found;
    asked.set("after", body.next);
  }
  throw new ApiError("error.incomplete", { status: 200, path });
}

/** @returns {Promise<Site>} */
export async function getSite() {
  const site = await request("/site");
  if (!site?.title || !site.time_zone) throw new ApiError("error.shape", { status: 200, path: "/site" });
  return site;
}

/** @returns {Promise<Device[]>} */
export async function getDevices() {
  const devices = await items("/devices", { limit: "1000" });
  if (devices.every((one) => one?.id && one.title && one.area && Array.isArray(one.points))) return devices;
  throw new ApiError("error.shape", { status: 200, path: "/devices" });
}
