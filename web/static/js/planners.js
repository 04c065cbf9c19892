// Configurations of the planner: chosen, edited, checked with line numbers, kept and applied.

import { get, post, put } from "./api.js";
import { byId, el, text } from "./dom.js";
import { moment, number } from "./format.js";

const PATH = "/api/planners";
// Trying a configuration may take a minute on a small board.
const TRY_MS = 75000;
const loggedIn = document.body.dataset.loggedIn === "yes";
const editor = byId("config-text");
const picker = byId("config-list");
let shown = null;
let dirty = false;
let refresh = () => {};

const pathOf = (config) => `${PATH}/${encodeURIComponent(config.id)}`;

async function open() {
  byId("config-dialog").showModal();
  if (!dirty) await attempt(() => load());
}

// Fetch every configuration and show one: the one named, else that of core.
async function load(id = null) {
  const rows = await get(PATH);
  picker.replaceChildren(...rows.map((row) => el("option", { value: row.id }, `${row.name}${row.bucket_id ? ` (${row.bucket_id})` : ""}`)));
  await show(rows.find((row) => row.id === id) ?? rows.find((row) => row.bucket_id) ?? rows[0] ?? null);
}

function pick() {
  if (dirty && !window.confirm("Leave the changes behind?")) picker.value = shown.id;
  else attempt(() => load(picker.value));
}

async function show(config) {
  shown = config;
  dirty = false;
  clear();
  editor.value = config?.toml_config ?? "";
  byId("config-name").value = config?.name ?? "";
  if (config) picker.value = config.id;
  stand();
  byId("config-history").replaceChildren(...(config ? await get(`${pathOf(config)}/history`) : []).map(past));
}

function stand() {
  const place = shown?.bucket_id ? (shown.applied ? `${shown.bucket_id} plans by it` : `${shown.bucket_id} does not plan by this text yet`) : "a template of no bucket";
  text("config-state", shown ? `Version ${shown.version} · ${place}${dirty ? " · not saved" : ""}` : "");
  const can = { "config-check": true, "config-try": true, "config-save": shown && dirty, "config-new": true, "config-apply": shown?.bucket_id && !shown.applied && !dirty };
  for (const [id, may] of Object.entries(can)) byId(id).disabled = !(loggedIn && may);
}

function past(version) {
  const button = el("button", { type: "button", disabled: !loggedIn }, "Put back");
  button.addEventListener("click", () => attempt(async () => {
    await put(pathOf(shown), { name: version.name, toml_config: version.toml_config }, shown.version);
    await load(shown.id);
    say(`Version ${version.version} is back; apply it to plan by it.`);
  }));
  return el("li", {}, el("div", {}, el("b", {}, `Version ${version.version}`), el("span", { class: "sub" }, `until ${moment(version.saved_at)}: ${version.summary}`)), button);
}

// What came of it

function clear() {
  byId("config-findings").replaceChildren();
  byId("config-failure").hidden = true;
  text("config-said", "");
}

const say = (words) => text("config-said", words);

function fail(error) {
  byId("config-failure").textContent = error.message;
  byId("config-failure").hidden = false;
  list(error.errors.filter((one) => "path" in one), "bad");
}

function list(findings, tone) {
  byId("config-findings").append(...findings.map((one) => {
    const place = one.line === null ? el("span", { class: "chip" }, "absent") : el("button", { type: "button", class: `chip ${tone}` }, `line ${one.line}`);
    if (one.line !== null) place.addEventListener("click", () => jump(one.line));
    return el("li", {}, place, ` ${one.path ? `${one.path}: ` : ""}${one.message}`);
  }));
}

function jump(line) {
  const lines = editor.value.split("\n");
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  editor.focus();
  editor.setSelectionRange(before, before + (lines[line - 1] ?? "").length);
  editor.scrollTop = ((line - 4) * editor.scrollHeight) / lines.length;
}

async function attempt(act) {
  clear();
  try {
    await act();
  } catch (error) {
    fail(error);
  }
  stand();
}

async function check(dryRun) {
  const found = await post(`${PATH}/validate`, { toml: editor.value, dry_run: dryRun }, dryRun ? TRY_MS : undefined);
  list(found.errors, "bad");
  list(found.warnings, "warn");
  if (!found.valid) return say(`${found.errors.length} ${found.errors.length === 1 ? "mistake" : "mistakes"}.`);
  if (found.counts) return say(counted(found.counts));
  return say(found.not_run ? `In order. It could not be tried: ${found.not_run}.` : "In order.");
}

function counted(found) {
  const kinds = Object.entries(found.by_kind).map(([kind, count]) => `${count} ${kind.replaceAll("_", " ")}`).join(", ");
  return `${found.candidates} candidates${kinds ? ` (${kinds})` : ""}, ${number(found.seeds, 0)} sequences, ${number(found.filtered, 0)} after the filters, ${number(found.explored, 0)} explored: a plan of ${found.steps} steps, score ${number(found.current_score)} → ${number(found.end_score)}.`;
}

const wanted = () => ({ name: byId("config-name").value.trim(), toml_config: editor.value });

const ACTS = {
  "config-check": () => check(false),
  "config-try": () => check(true),
  "config-save": async () => {
    await load((await put(pathOf(shown), wanted(), shown.version)).id);
    say("Saved. Its bucket plans by it once it is applied.");
  },
  "config-new": async () => {
    await load((await post(PATH, wanted())).id);
    say("Kept as a template of its own.");
  },
  "config-apply": async () => {
    const done = await post(`${pathOf(shown)}/apply`, {});
    await load(shown.id);
    say(`${done.message}.`);
    refresh();
  },
};

export function start(everything) {
  refresh = everything;
  byId("config-button").addEventListener("click", open);
  picker.addEventListener("change", pick);
  byId("config-name").addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  for (const field of [editor, byId("config-name")]) field.addEventListener("input", () => { dirty = true; stand(); });
  for (const [id, act] of Object.entries(ACTS)) byId(id).addEventListener("click", () => attempt(act));
}
