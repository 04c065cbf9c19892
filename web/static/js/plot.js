// A line over time in a box, and the same in one sentence for those who cannot see it.

import { el } from "./dom.js";
import { day, money, percent } from "./format.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const short = (value) => (Math.abs(value) >= 10000 ? `${+(value / 1000).toFixed(1)}k` : `${+value.toFixed(2)}`);

// `show` takes moments (seconds) and values, oldest first, and how a value is written. Without the
// chart library the sentence and the extremes are all there is.
export function linePlot(box, readout, name) {
  let plot = null;
  let write = money;

  function show(data, writer = money) {
    write = writer;
    describe(data);
    if (typeof uPlot === "undefined") return bare(data);
    if (plot) return plot.setData(data);
    if (data[0].length > 1) plot = make(data);
    return undefined;
  }

  function describe([moments, values]) {
    let sentence = "";
    if (values.length) {
      const change = values[values.length - 1] / values[0] - 1;
      sentence = `${day(moments[0] * 1000)} – ${day(moments[moments.length - 1] * 1000)}: ${percent(change)}, from ${write(values[0])} to ${write(values[values.length - 1])}`;
    }
    box.setAttribute("aria-label", sentence ? `${name}. ${sentence}` : name);
    readout.dataset.rest = sentence;
    if (!readout.dataset.hover) readout.textContent = sentence;
  }

  function bare([, values]) {
    box.classList.add("bare");
    box.replaceChildren(
      el("span", {}, values.length ? `Lowest ${write(Math.min(...values))}, highest ${write(Math.max(...values))}. ` : ""),
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

  function hover(u) {
    const at = u.cursor.idx;
    const inside = at !== null && at !== undefined && u.cursor.left >= 0;
    readout.dataset.hover = inside ? "yes" : "";
    readout.textContent = inside ? `${day(u.data[0][at] * 1000)}  ${write(u.data[1][at])}` : readout.dataset.rest || "";
  }

  return { show };
}

function padded(low, high) {
  const room = Math.max((high - low) * 0.08, high * 0.002, 0.01);
  return [low - room, high + room];
}

function fade(u) {
  const ramp = u.ctx.createLinearGradient(0, u.bbox.top, 0, u.bbox.top + u.bbox.height);
  ramp.addColorStop(0, `${colour("--accent")}38`);
  ramp.addColorStop(1, `${colour("--accent")}00`);
  return ramp;
}
