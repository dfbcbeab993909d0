// The health strip: is what we show still true? Stream, age of the newest reading, blind points, clock.

import { STALE_MS } from "./condition.js";
import { byId, setData, setText } from "./dom.js";
import { timeParts } from "./format.js";

/** @typedef {import("./desk.js").Desk} Desk */

/** @param {Desk} desk */
export default function mount(desk) {
  const draw = () => {
    drawStream(desk);
    drawNewest(desk);
    drawBlind(desk);
    drawClock(desk);
  };
  desk.stream.watch(draw);
  desk.store.subscribe((kind) => {
    // The blind count walks all points: with each reading it would cost more than it tells.
    if (kind !== "readings") draw();
  });
  desk.on("tick", draw);
  desk.on("language", draw);
  draw();
}

/** @param {Desk} desk */
function drawStream(desk) {
  const { state, downMs } = desk.stream;
  setData(document.body, "stream", state);
  setText(byId("stream-state"), desk.t(`stream.${state}`));
  const bar = byId("stream-lost");
  const lost = state === "lost";
  if (bar.hidden === lost) bar.hidden = !lost;
  // Written once while it lasts, so that a screen reader says it once; the seconds beside it are not read out.
  setText(byId("stream-lost-text"), lost ? desk.t("stream.lost-long") : "");
  setText(byId("stream-lost-age"), lost ? desk.t("age.seconds-short", { n: Math.floor(downMs / 1000) }) : "");
  drawTitle(desk);
}

/** The window's title: alarms that call and a lost stream are seen in the list of windows, too. @param {Desk} desk */
export function drawTitle(desk) {
  const lost = desk.stream.state === "lost" ? desk.t("stream.lost-title") : "";
  const usual = `${desk.t("app.name")} · ${desk.words.pick(desk.site.title)}`;
  const whole = [lost, desk.badge, usual].filter(Boolean).join(" ");
  if (document.title !== whole) document.title = whole;
}

/** @param {Desk} desk */
function drawNewest(desk) {
  const { newest } = desk.store;
  const age = newest === null ? null : Math.max(0, desk.now() - newest);
  setText(byId("newest"), age === null ? "—" : desk.t("age.seconds-short", { n: Math.floor(age / 1000) }));
  setData(byId("newest-item"), "level", age === null || age > STALE_MS ? "warning" : "normal");
}

/** @param {Desk} desk */
function drawBlind(desk) {
  const blind = desk.store.blind(desk.now()).length;
  let all = 0;
  for (const device of desk.store.devices.values()) {
    for (const point of device.points) if (point.life_safety) all += 1;
  }
  setText(byId("blind-count"), `${blind} / ${all}`);
  setData(byId("blind"), "level", blind ? "warning" : "normal");
}

/** @param {Desk} desk */
function drawClock(desk) {
  const { date, time, zone } = timeParts(desk.now(), desk.site.time_zone);
  setText(byId("clock-date"), date);
  setText(byId("clock-time"), time);
  setText(byId("clock-zone"), zone);
}
