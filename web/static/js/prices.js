// Prices of single securities: a small line beside each position, and a chart in a dialog.

import { get } from "./api.js";
import { byId, el, text } from "./dom.js";
import { money, percent } from "./format.js";
import { linePlot } from "./plot.js";

const SVG = document.querySelector("svg").namespaceURI;
const WIDTH = 80;
const HEIGHT = 32;
const box = byId("price-dialog");
const plot = linePlot(byId("price-chart"), byId("price-readout"), "Price over time");
const failure = box.querySelector(".failure");
let lines = {};
let symbol = null;
let range = "1Y";
let complete = true;

// The map the daemon sends: a line for every security that has prices.
export function sparklines(data) {
  lines = data;
  fill();
}

// Every place for a small line gets the one of its security; a dash when there is none.
export function fill() {
  for (const place of document.querySelectorAll("[data-spark]")) {
    const points = lines[place.dataset.spark]?.points ?? [];
    const print = points.map((point) => point.value).join(" ");
    if (place.dataset.drawn === print) continue;
    place.dataset.drawn = print;
    place.replaceChildren(points.length < 2 ? "–" : drawn(points));
  }
}

function drawn(points) {
  const values = points.map((point) => point.value);
  const moments = points.map((point) => Date.parse(point.time));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [first, last] = [moments[0], moments[moments.length - 1]];
  const x = (moment) => ((moment - first) / (last - first)) * WIDTH;
  const y = (value) => (high > low ? HEIGHT - 1 - ((value - low) / (high - low)) * (HEIGHT - 2) : HEIGHT / 2);
  const change = values[values.length - 1] / values[0] - 1;
  const picture = part("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img", "aria-label": `One year: ${percent(change)}`, class: `spark ${change < 0 ? "down" : "up"}` });
  picture.append(part("polyline", { points: values.map((value, i) => `${x(moments[i]).toFixed(1)},${y(value).toFixed(1)}`).join(" ") }));
  return picture;
}

function part(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

// A name that opens the chart of its security.
export function opener(row) {
  const button = el("button", { type: "button", class: "link name", title: "The prices of this instrument" }, row.stock_name);
  button.addEventListener("click", () => open(row));
  return button;
}

function open(row) {
  symbol = row.symbol;
  text("price-title", `${row.stock_name} (${row.symbol})`);
  clear();
  box.showModal();
  load();
}

function clear() {
  failure.hidden = true;
  text("price-note", "Loading…");
  plot.show([[], []]);
}

// Only what was asked for last is shown, however late another answer arrives.
async function load(cache = "default") {
  const asked = `${symbol} ${range}`;
  try {
    const data = await get(`/api/charts/securities/${encodeURIComponent(symbol)}?range=${range}&meta=true`, { cache });
    if (asked === `${symbol} ${range}`) show(data);
  } catch (error) {
    if (asked !== `${symbol} ${range}`) return;
    text("price-note", "");
    failure.textContent = error.message;
    failure.hidden = false;
  }
}

function show(data) {
  complete = data.complete;
  failure.hidden = true;
  const missing = data.points.length ? "Newer or older prices are being fetched." : "No prices are stored yet; they are being fetched.";
  text("price-note", complete ? `Closes in ${data.currency}, adjusted for splits.` : missing);
  plot.show([data.points.map((point) => Date.parse(point.time) / 1000), data.points.map((point) => point.value)], (value) => money(value, data.currency));
}

// What was missing may have come; a chart that is complete waits for its own time.
export function news() {
  if (box.open && !complete) load("no-cache");
}

export function start() {
  const buttons = [...box.querySelectorAll("[data-range]")];
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      range = button.dataset.range;
      clear();
      load();
    });
  }
}
