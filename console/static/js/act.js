// Sends what a person does, and says in words how it went. The new state itself comes by the stream.

import { ApiError, post } from "./api.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {{kind: "done", item: any} | {kind: "pending" | "refused", text: string}} Outcome */

/**
 * @param {Desk} desk
 * @param {string} path below /api/v1
 * @param {object} [body]
 * @returns {Promise<Outcome>}
 */
export async function act(desk, path, body = {}) {
  try {
    const item = await post(path, body);
    if (item?.status === "pending") return { kind: "pending", text: desk.t("act.pending") };
    return { kind: "done", item };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) location.replace("/login?reason=session");
    // Without an answer it may have been done all the same.
    const doubt = error.status === 0 ? ` ${desk.t("act.unknown")}` : "";
    return { kind: "refused", text: `${error.text(desk.words)}${doubt}` };
  }
}

/**
 * An id as a part of a path: a slash in it stays one.
 * @param {string} id
 */
export function pathOf(id) {
  return id.split("/").map(encodeURIComponent).join("/");
}
