// The plan: what it is, how good it is, what it changes, and the owner's word on it.

import { get, post } from "./api.js";
import { confirming } from "./confirm.js";
import { byId, el, keyed, text } from "./dom.js";
import { gain, moment, money, number, percent } from "./format.js";
import { marketTime, side } from "./views.js";

const NAMES = { ready: "Ready", planning: "Planning…", stale: "Being replaced", none: "No plan yet" };
const STATES = { approved: "Approved", submitting: "Being sent", submitted: "At the broker", partially_filled: "Partly filled" };
const WAITING = ["proposed", "approved"];
const OPEN = [...WAITING, "submitting", "submitted", "partially_filled"];
const loggedIn = document.body.dataset.loggedIn === "yes";
// Less is not seen in a tenth of a percent: the fees alone move every share a little.
const SHOWN = 0.0005;
let current = null;
let chosen = null;
let progress = null;
let refresh = () => {};

export function plan(data) {
  current = data;
  text("plan-state", NAMES[data.state] + (data.generated_at ? ` · ${moment(data.generated_at)}` : ""));
  text("plan-narrative", data.narrative_summary || (data.state === "none" ? "The first plan is made after the first sync." : "Hold: nothing beats doing nothing."));
  keyed(byId("plan-steps"), data.steps.map((step) => ({ ...step, next: step.step === data.next_step })), { key: (step) => `${data.plan_id}-${step.step}`, render: planStep });
  keyed(byId("plan-alternatives-list"), data.alternatives, { key: (other) => JSON.stringify(other.trades), render: alternative });
  byId("plan-alternatives").hidden = data.alternatives.length === 0;
  text("plan-alternatives-title", data.alternatives.length === 1 ? "1 alternative" : `${data.alternatives.length} alternatives`);
  const score = data.current_score === null ? "" : `Score ${number(data.current_score, 1)} → ${number(data.end_state_score, 1)}`;
  text("plan-foot", score + (data.depth ? ` · cash after it ${money(data.final_available_cash)}` : "") + data.notes.map((note) => ` · ${note}`).join(""));
  const word = waits(data);
  text("plan-word", word);
  byId("plan-word").hidden = word === "";
  byId("plan-review").hidden = data.depth === 0;
  if (byId("plan-dialog").open) answerable();
}

function proven(proof) {
  const looked = `${number(proof.explored, 0)} sequences looked at`;
  const sets = proof.depth < proof.candidates ? `up to ${proof.depth} of ${proof.candidates} candidate trades` : proof.candidates === 1 ? "the only candidate trade" : `the ${proof.candidates} candidate trades`;
  if (proof.proved) return `Best of all allowed sets of ${sets}; ${looked}.`;
  return `Within ${number(proof.gap)} points of the best possible; ${looked}.`;
}

function waits(data) {
  if (data.postponed_until) return `Postponed until ${moment(data.postponed_until)}.`;
  if (data.awaiting_approval) return "The next step waits for your approval.";
  return data.autonomy === "advise" && data.next_step !== null ? "Only advice: nothing leaves by itself." : "";
}

function planStep(step) {
  const label = step.state === "proposed" ? (step.next ? "Next" : "") : (STATES[step.state] ?? step.state.replaceAll("_", " "));
  const dismiss = loggedIn && step.step_id && WAITING.includes(step.state) ? el("button", { type: "button", class: "link soft" }, "Dismiss…") : null;
  dismiss?.addEventListener("click", () => askDismiss(step));
  return el("li", { class: `${step.next ? "next" : ""} ${OPEN.includes(step.state) ? "" : "done"}` },
    el("span", { class: "number" }, String(step.step)),
    el("span", { class: "what" }, side(step.side), `${number(step.quantity, 6, 0)} × ${step.name} `, label ? el("span", { class: `chip ${step.next ? "busy" : ""}` }, label) : null),
    el("span", { class: "worth" }, money(step.estimated_value)),
    el("span", { class: "why" }, step.reason, " ", dismiss));
}

function alternative(other) {
  const trades = other.trades.map((trade) => `${trade.side} ${number(trade.quantity, 6, 0)} × ${trade.symbol}`).join(", ");
  const note = other.executable ? "" : " · breaks a rule, to show what the rule costs";
  return el("li", {}, el("div", {}, el("b", {}, `${gain(other.net, (value) => number(value))} points: `), trades, el("span", { class: "sub" }, other.origins.join(", ").replaceAll("_", " ") + note)));
}

// Progress comes on a stream of its own, which is open only while there is some.
export function planner(data) {
  const bar = byId("plan-progress");
  bar.hidden = !data.is_planning;
  bar.value = data.progress_percentage;
  if (data.is_planning && progress === null) {
    progress = new EventSource("/api/planner/status/stream");
    progress.onmessage = (message) => planner(JSON.parse(message.data));
    progress.onerror = stopWatching;
  } else if (!data.is_planning) {
    stopWatching();
  }
}

function stopWatching() {
  progress?.close();
  progress = null;
}

// What it changes

async function review() {
  byId("plan-dialog").querySelector(".failure").hidden = true;
  byId("plan-difference").replaceChildren(el("p", { class: "soft" }, "Working it out…"));
  answerable();
  byId("plan-dialog").showModal();
  try {
    tell(await get(`/api/planner/plans/${encodeURIComponent(current.plan_id)}`));
  } catch (error) {
    fail(error);
  }
}

function tell(data) {
  text("plan-dialog-proof", data.proof ? proven(data.proof) : "");
  const found = data.difference;
  byId("plan-difference").replaceChildren(...(found ? sections(found, data) : [el("p", { class: "soft" }, `What it changes is not known: ${data.no_difference}.`)]));
}

function sections(found, data) {
  const moved = found.securities.filter((row) => Math.abs(row.before - row.after) >= SHOWN);
  const groups = [["Securities that change", moved], ["Countries", found.countries], ["Industries", found.industries]];
  const tables = groups.filter(([, rows]) => rows.length).map(([name, rows]) => weights(name, rows));
  const cash = el("table", {}, el("caption", {}, "Cash"), el("tbody", {}, ...found.cash.map((row) => el("tr", {}, el("td", {}, row.currency), el("td", { class: "n" }, `${number(row.before)} → ${number(row.after)}`)))));
  return [...tables, cash, figures(found, data)];
}

function weights(name, rows) {
  const most = Math.max(...rows.flatMap((row) => [row.before, row.after, row.target ?? 0]), 0.0001);
  return el("table", { class: "weights" }, el("caption", {}, name), el("thead", { class: "hidden" }, el("tr", {}, ...["Name", "Bars", "Before, after and target"].map((label) => el("th", { scope: "col" }, label)))),
    el("tbody", {}, ...rows.map((row) => el("tr", {}, el("td", {}, row.name), el("td", {}, el("div", { class: "bars" }, ...bars(row, most))),
      el("td", { class: "n" }, `${percent(row.before)} → ${percent(row.after)}`, row.target === null ? null : el("span", { class: "sub" }, `target ${percent(row.target)}`))))));
}

// Before above after, and a mark where the target is.
function bars(row, most) {
  return ["before", "after", "target"].filter((kind) => row[kind] !== null).map((kind) => {
    const bar = el("i", { class: kind, "aria-hidden": "true" });
    const place = `${(100 * Math.max(0, row[kind])) / most}%`;
    if (kind === "target") bar.style.left = place;
    else bar.style.width = place;
    return bar;
  });
}

function figures(found, data) {
  const risk = found.risk;
  const shown = [
    ["Fees", money(found.fees_eur)], ["Traded", `${money(found.traded_eur)} (${percent(found.turnover)})`],
    ["Score", `${number(found.score_before)} → ${number(found.score_after)}`],
    ["Volatility a year", `${percent(risk.volatility_before)} → ${percent(risk.volatility_after)}`],
    ["Largest position", `${percent(risk.largest_before)} → ${percent(risk.largest_after)}`],
    ["Drift from target", `${percent(risk.drift_before)} → ${percent(risk.drift_after)}`],
  ];
  if (risk.covered < 1) shown.push(["Risk is known for", `${percent(risk.covered)} of the holdings`]);
  const robust = data.robustness;
  if (robust) shown.push([`${robust.method.replaceAll("_", " ")}, ${robust.scenarios} scenarios`, `${gain(robust.p10, (x) => number(100 * x))} to ${gain(robust.p90, (x) => number(100 * x))} points in 80 %`]);
  return el("dl", { class: "figures" }, ...shown.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

// The owner's word

function answerable() {
  const open = loggedIn && current.next_step !== null && current.state !== "stale";
  const buttons = { "plan-approve": open && current.awaiting_approval, "plan-postpone": open, "plan-reject": open };
  for (const [id, can] of Object.entries(buttons)) byId(id).disabled = !can;
  text("plan-dialog-word", waits(current));
}

function fail(error) {
  const failure = byId("plan-dialog").querySelector(".failure");
  failure.textContent = error.message;
  failure.hidden = false;
}

function saying(id, word, body) {
  byId(id).addEventListener("click", async () => {
    byId(id).disabled = true;
    try {
      await post(`/api/planner/plans/${encodeURIComponent(current.plan_id)}/${word}`, body());
      byId("plan-dialog").close();
      refresh();
    } catch (error) {
      fail(error);
      answerable();
    }
  });
}

// The number of the next step within the plan, which sales before it do not count.
const nextStep = () => current.steps.find((step) => step.step === current.next_step)?.plan_step;
const later = () => new Date(new Date(marketTime() ?? Date.now()).getTime() + Number(byId("plan-later").value) * 3600000).toISOString();

function askDismiss(step) {
  chosen = step;
  text("dismiss-question", `${step.side} ${number(step.quantity, 6, 0)} × ${step.name}`);
  dismissal.open();
}

const dismissal = confirming("dismiss-dialog", async () => {
  await post(`/api/trades/recommendations/${encodeURIComponent(chosen.step_id)}/dismiss`, {});
  refresh();
});

export function start(everything) {
  refresh = everything;
  byId("plan-review").addEventListener("click", review);
  saying("plan-approve", "approve", () => ({ step: nextStep() }));
  saying("plan-postpone", "postpone", () => ({ until: later() }));
  saying("plan-reject", "reject", () => ({}));
}
