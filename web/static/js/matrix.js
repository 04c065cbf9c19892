// The LED matrix, mirrored pixel by pixel.
//
// The frame is fetched, not pushed: while a text scrolls it changes many times a second, which
// would drown the event stream. Five times a second while the panel is on screen, once a second
// when it has stood still for a while, not at all when nobody can see it. An unchanged frame costs
// the daemon an empty 304.

import { byId, text } from "./dom.js";

const FAST_MS = 200;
const SLOW_MS = 1000;
const RESTING = 15;

const canvas = byId("matrix");
const pen = canvas.getContext("2d");
let visible = false;
let timer = null;
let tag = "";
let still = 0;
let last = null;

export function start() {
  new IntersectionObserver(([entry]) => { visible = entry.isIntersecting; kick(); }).observe(canvas);
  document.addEventListener("visibilitychange", kick);
  new ResizeObserver(() => last && paint(last)).observe(canvas);
}

// Something about the display changed: look at once and quickly for a while.
export function kick() {
  still = 0;
  clearTimeout(timer);
  poll();
}

async function poll() {
  if (!visible || document.hidden) return;
  const moved = await fetchFrame();
  still = moved ? 0 : still + 1;
  clearTimeout(timer);
  timer = setTimeout(poll, still > RESTING ? SLOW_MS : FAST_MS);
}

async function fetchFrame() {
  try {
    const response = await fetch("/api/display/state", { signal: AbortSignal.timeout(4000) });
    if (!response.ok) return false;
    const seen = response.headers.get("ETag");
    if (seen === tag) return false;
    tag = seen;
    show(await response.json());
    return true;
  } catch {
    return false;
  }
}

function show(state) {
  last = state;
  paint(state);
  text("matrix-text", state.current_text || "Idle");
  text("matrix-driver", state.driver.connected ? state.driver.kind : `${state.driver.kind}: ${state.driver.last_error || "not connected"}`);
  text("matrix-pool", { error: "Error", processing: "Working", next_actions: "Next actions" }[state.pool] || state.mode);
  canvas.setAttribute("aria-label", `Mirror of the LED matrix. Text: ${state.current_text || "none"}`);
  for (const name of ["led3", "led4"]) {
    const { r, g, b } = state[name];
    byId(name).style.background = `rgb(${r} ${g} ${b})`;
  }
}

// One round lamp per pixel; the middle of each has exactly the colour that was sent.
function paint({ rows, columns, pixels }) {
  canvas.style.aspectRatio = `${columns} / ${rows}`;
  const cell = Math.max(4, Math.floor((canvas.clientWidth * devicePixelRatio) / columns));
  if (canvas.width !== cell * columns || canvas.height !== cell * rows) {
    canvas.width = cell * columns;
    canvas.height = cell * rows;
  }
  pen.fillStyle = "#07090a";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < rows * columns; at += 1) {
    lamp((at % columns) * cell, Math.floor(at / columns) * cell, cell, pixels.slice(at * 6, at * 6 + 6));
  }
}

function lamp(x, y, cell, hex) {
  pen.beginPath();
  pen.arc(x + cell / 2, y + cell / 2, cell * 0.4, 0, 2 * Math.PI);
  pen.fillStyle = `#${hex}`;
  pen.fill();
  if (hex !== "000000") return;
  pen.lineWidth = Math.max(1, cell * 0.05);
  pen.strokeStyle = "#1d2426";
  pen.stroke();
}
