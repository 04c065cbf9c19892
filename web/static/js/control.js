// Everything that changes something: halt, resume and mode, each behind its own confirmation.

import { post } from "./api.js";
import { confirming } from "./confirm.js";
import { byId, el } from "./dom.js";

let mode = null;
let latches = [];

export function know(status) {
  mode = status.trading_mode;
  latches = status.latches;
}

export function start(refresh) {
  const halt = confirming("halt-dialog", async () => {
    await post("/api/system/halt", { reason: byId("halt-reason").value.trim() || "halted on the dashboard" });
    refresh();
  });
  byId("halt-button").addEventListener("click", () => halt.open());

  const resume = confirming("resume-dialog", async () => {
    await post("/api/system/resume", { reasons: ticked(), confirm: true });
    refresh();
  }, (box) => typed(box) && ticked().length > 0);
  byId("resume-button").addEventListener("click", () => { listLatches(); resume.open(); });

  const change = confirming("mode-dialog", async () => {
    const wanted = chosen();
    await post("/api/settings/trading-mode", { trading_mode: wanted, confirm: wanted === "live" });
    refresh();
  }, (box) => {
    byId("mode-typed").hidden = chosen() !== "live" || mode === "live";
    return chosen() !== null && chosen() !== mode && (chosen() !== "live" || typed(box));
  });
  byId("mode-button").addEventListener("click", () => {
    for (const radio of document.querySelectorAll('input[name="mode"]')) radio.checked = radio.value === mode;
    change.open();
  });
}

const chosen = () => document.querySelector('input[name="mode"]:checked')?.value ?? null;
const ticked = () => [...document.querySelectorAll("#resume-latches input:checked")].map((box) => box.value);

function typed(box) {
  const field = box.querySelector("[data-typed]");
  return field.value.trim().toLowerCase() === field.dataset.typed;
}

function listLatches() {
  const rows = latches.map((latch) => {
    const fixed = latch.name === "file";
    const note = fixed ? " (remove the HALT file instead)" : "";
    const box = el("input", { type: "checkbox", value: latch.name, checked: !fixed, disabled: fixed });
    return el("label", {}, box, el("span", {}, el("b", {}, latch.name.replaceAll("_", " ")), ` ${latch.reason}${note}`));
  });
  byId("resume-latches").replaceChildren(byId("resume-latches").firstElementChild, ...rows);
}
