// The value over time.

import { byId } from "./dom.js";
import { linePlot } from "./plot.js";

const plot = linePlot(byId("chart"), byId("chart-readout"), "Value over time");
let rows = [];
let live = null;

// `history` is newest first, as the daemon sends it.
export function showHistory(history) {
  rows = history.filter((row) => row.total_value !== null).map((row) => [Date.parse(row.date) / 1000, row.total_value]).reverse();
  draw();
}

// The newest value takes part in the line without a new day's row.
export function showLive(value, asOf) {
  if (value === null || !asOf) return;
  const moment = Date.parse(asOf) / 1000;
  if (live && live[0] === moment && live[1] === value) return;
  live = [moment, value];
  draw();
}

// The last total of a day before the one of `asOf`.
export function closeBefore(asOf) {
  const start = Date.parse(asOf.slice(0, 10)) / 1000;
  const before = rows.filter(([moment]) => moment < start);
  return before.length ? before[before.length - 1][1] : null;
}

function draw() {
  const all = live && (!rows.length || live[0] > rows[rows.length - 1][0]) ? [...rows, live] : rows;
  plot.show([all.map((point) => point[0]), all.map((point) => point[1])]);
}
