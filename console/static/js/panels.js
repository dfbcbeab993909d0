// The panels of the desk. To add one: write its file with a default export `mount(desk)` and name it here.
// Places that wait for one in desk.html: `alarms` (above the devices) and `response` (above the chart).

export { default as health } from "./health.js";
export { default as blind } from "./blind.js";
export { default as cards } from "./cards.js";
export { default as chart } from "./chart.js";
