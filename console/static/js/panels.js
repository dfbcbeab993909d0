// The panels of the desk. To add one: write its file with a default export `mount(desk)` and name it here.
// Each has a place of its name in desk.html.

export { default as health } from "./health.js";
export { default as demo } from "./demo.js";
export { default as alarms } from "./alarms.js";
export { default as announce } from "./announce.js";
export { default as interlocks } from "./interlocks.js";
export { default as response } from "./runs.js";
export { default as blind } from "./blind.js";
export { default as cards } from "./cards.js";
export { default as commands } from "./commands.js";
export { default as chart } from "./chart.js";
