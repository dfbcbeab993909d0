// The demo's strip: what happens at the simulated boards. In a demo only. None of it is a command of ours: gas
// leaks, air clears, and a person who stands at the board opens its valve.

import { act } from "./act.js";
import { ApiError, request } from "./api.js";
import { element, setText } from "./dom.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {{device: string, title: import("./i18n.js").Text, gas: boolean, valve: boolean}} Board */

const ACTS = [
  { name: "leak", path: "/demo/leak", body: {}, needs: "gas" },
  { name: "leak-slowly", path: "/demo/leak", body: { slow: true }, needs: "gas" },
  { name: "clear", path: "/demo/clear", body: {}, needs: "gas" },
  { name: "reopen", path: "/demo/reopen", body: {}, needs: "valve" },
];

/** @param {Desk} desk */
export default function mount(desk) {
  if (desk.site.demo && desk.mayAct) void open(desk);
}

/** @param {Desk} desk */
async function open(desk) {
  try {
    const { boards } = await request("/demo");
    const strip = new Strip(desk, boards.filter((/** @type {Board} */ one) => one.gas));
    desk.on("language", () => strip.draw());
    strip.draw();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    setText(desk.slot("demo"), error.text(desk.words));
  }
}

class Strip {
  /**
   * @param {Desk} desk
   * @param {Board[]} boards
   */
  constructor(desk, boards) {
    this.desk = desk;
    this.boards = boards;
    this.label = element("label", { for: "demo-board" });
    this.choice = element("select", { id: "demo-board" });
    this.choice.addEventListener("change", () => this.draw());
    this.said = element("span", { class: "said", role: "status" });
    this.title = element("strong");
    this.buttons = ACTS.map((one) => {
      const button = element("button", { type: "button", "data-demo": one.name });
      button.addEventListener("click", () => void this.perform(one, button));
      return { one, button };
    });
    desk.slot("demo").append(this.title, this.label, this.choice, ...this.buttons.map(({ button }) => button), this.said);
    this.choice.replaceChildren(...boards.map((board) => element("option", { value: board.device })));
  }

  get board() {
    return this.boards.find((one) => one.device === this.choice.value);
  }

  draw() {
    const { desk } = this;
    setText(this.title, desk.t("demo.title"));
    setText(this.label, desk.t("demo.board"));
    for (const [at, board] of this.boards.entries()) setText(this.choice.options[at], desk.words.pick(board.title));
    for (const { one, button } of this.buttons) {
      setText(button, desk.t(`demo.${one.name}`));
      button.hidden = !this.board?.[/** @type {"gas" | "valve"} */ (one.needs)];
    }
  }

  /** @param {typeof ACTS[number]} one @param {HTMLButtonElement} button */
  async perform(one, button) {
    button.disabled = true;
    const outcome = await act(this.desk, one.path, { ...one.body, device: this.choice.value });
    button.disabled = false;
    setText(this.said, outcome.kind === "done" ? "" : outcome.text);
  }
}
