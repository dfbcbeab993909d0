// The wire log of a connection, as it grows. Old lines go: a page that stands open for a day must not fill the memory.

import { request } from "./api.js";
import { element } from "./dom.js";
import { timeParts } from "./format.js";

const LINES_MAX = 500;

/** @typedef {{n: number, at: string, direction: string, peer: string, size: number, hex: string, text: string[]}} Piece */

export class Wire {
  /**
   * @param {HTMLElement} list
   * @param {string} zone IANA name, of the times
   */
  constructor(list, zone) {
    this.list = list;
    this.zone = zone;
    this.after = 0;
  }

  clear() {
    this.after = 0;
    this.list.replaceChildren();
  }

  /**
   * Shows what came since the last call.
   * @param {string} connection
   */
  async follow(connection) {
    const found = await request(`/connections/${encodeURI(connection)}/wire?after=${this.after}&limit=200`);
    if (found.last < this.after) this.clear();
    const atEnd = this.list.scrollTop + this.list.clientHeight >= this.list.scrollHeight - 4;
    if (found.missed) this.list.append(element("li", {}, `… ${found.missed}`));
    for (const piece of found.items) this.list.append(line(piece, this.zone));
    this.after = found.items.at(-1)?.n ?? this.after;
    while (this.list.childElementCount > LINES_MAX) this.list.firstElementChild?.remove();
    if (atEnd) this.list.scrollTop = this.list.scrollHeight;
  }
}

/**
 * @param {Piece} piece
 * @param {string} zone
 */
function line(piece, zone) {
  const arrow = piece.direction === "out" ? "→" : "←";
  const bytes = piece.hex.replace(/(..)(?=.)/g, "$1 ");
  const cut = piece.size * 2 > piece.hex.length ? ` … (${piece.size})` : "";
  const time = timeParts(Date.parse(piece.at), zone).time + piece.at.slice(19, 23);
  const told = piece.text.map((text) => element("span", {}, text));
  const head = [time, arrow, piece.peer, bytes].filter(Boolean).join(" ");
  return element("li", { "data-direction": piece.direction, "data-n": String(piece.n) }, head + cut, ...told);
}
