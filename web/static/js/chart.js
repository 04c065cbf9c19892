// The value over time. Without the chart library the same figures are said in one sentence.

import { byId, el } from "./dom.js";
import { day, money, percent } from "./format.js";

const box = byId("chart");
const readout = byId("chart-readout");
let rows = [];
let plot = null;
let live = null;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

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

function points() {
  const all = live && (!rows.length || live[0] > rows[rows.length - 1][0]) ? [...rows, live] : rows;
  return [all.map((point) => point[0]), all.map((point) => point[1])];
}

function draw() {
  const data = points();
  describe(data);
  if (typeof uPlot === "undefined") return bare(data);
  if (data[0].length < 2) return;
  if (plot) plot.setData(data);
  else plot = make(data);
}

function describe([moments, values]) {
  if (!values.length) return;
  const change = values[values.length - 1] / values[0] - 1;
  const sentence = `${day(moments[0] * 1000)} – ${day(moments[moments.length - 1] * 1000)}: ${percent(change)}, from ${money(values[0])} to ${money(values[values.length - 1])}`;
  box.setAttribute("aria-label", `Value over time. ${sentence}`);
  readout.dataset.rest = sentence;
  if (!readout.dataset.hover) readout.textContent = sentence;
}

function bare([, values]) {
  box.classList.add("bare");
  box.replaceChildren(
    el("span", {}, values.length ? `Lowest ${money(Math.min(...values))}, highest ${money(Math.max(...values))}. ` : ""),
    el("span", {}, "The chart needs a library: run "), el("code", {}, "make assets"), el("span", {}, " and restart the daemon."),
  );
}

function make(data) {
  const axis = { stroke: () => colour("--soft"), font: "12px system-ui, sans-serif", ticks: { show: false } };
  const options = {
    width: box.clientWidth,
    height: box.clientHeight,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: { y: { range: (_, low, high) => padded(low, high) } },
    axes: [
      { ...axis, grid: { show: false }, size: 42, space: 70 },
      { ...axis, grid: { stroke: () => colour("--line"), width: 1 }, size: 62, space: 44, values: (_, ticks) => ticks.map(short) },
    ],
    series: [{}, { stroke: () => colour("--accent"), width: 1.8, fill: fade, points: { show: false } }],
    hooks: { setCursor: [hover] },
  };
  const made = new uPlot(options, data, box);
  new ResizeObserver(() => made.setSize({ width: box.clientWidth, height: box.clientHeight })).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => made.redraw(false, true));
  return made;
}

function padded(low, high) {
  const room = Math.max((high - low) * 0.08, high * 0.002, 0.01);
  return [low - room, high + room];
}

const short = (value) => (Math.abs(value) >= 10000 ? `${+(value / 1000).toFixed(1)}k` : `${+value.toFixed(2)}`);

function fade(u) {
  const ramp = u.ctx.createLinearGradient(0, u.bbox.top, 0, u.bbox.top + u.bbox.height);
  ramp.addColorStop(0, `${colour("--accent")}38`);
  ramp.addColorStop(1, `${colour("--accent")}00`);
  return ramp;
}

function hover(u) {
  const at = u.cursor.idx;
  const inside = at !== null && at !== undefined && u.cursor.left >= 0;
  readout.dataset.hover = inside ? "yes" : "";
  readout.textContent = inside ? `${day(u.data[0][at] * 1000)}  ${money(u.data[1][at])}` : readout.dataset.rest || "";
}
