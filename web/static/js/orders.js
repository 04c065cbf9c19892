// Orders: the newest in a panel, and everything about one of them in a dialog.

import { get, post } from "./api.js";
import { confirming } from "./confirm.js";
import { byId, el, emptyRow, keyed, text } from "./dom.js";
import { moment, money, number } from "./format.js";
import { side } from "./views.js";

const TONES = { filled: "good", active: "busy", accepted: "busy", submitting: "busy", partially_filled: "busy", unknown: "bad", escalated: "bad", rejected: "bad", not_placed: "bad", refused: "warn" };
const chip = (state) => el("span", { class: `chip ${TONES[state] || ""}` }, state.replaceAll("_", " "));
const said = (gate) => `${gate.gate}: ${gate.detail}`;
let shown = null;
let asked = null;
let refresh = () => {};

export function orders(rows) {
  const open = rows.filter((row) => row.in_flight).length;
  text("orders-open", open ? `${open} in flight` : "none in flight");
  keyed(byId("orders").tBodies[0], rows, { key: (row) => row.intent_id, render: orderRow, empty: emptyRow(4, "No orders yet") });
  const current = shown && rows.find((row) => row.intent_id === shown.intent_id);
  if (byId("order-dialog").open && current && current.state !== shown.state) load(numberOf(current));
}

// An order that was never sent is known by its intent alone.
const numberOf = (row) => row.client_order_id ?? row.intent_id;

function orderRow(row) {
  const why = row.error || row.blocked_by.map(said).join("; ");
  const what = el("button", { type: "button", class: "link", title: "Everything about this order" }, side(row.side), `${number(row.quantity, 6, 0)} × ${row.symbol}`);
  what.addEventListener("click", () => open(row));
  return el("tr", {},
    el("td", {}, what, el("span", { class: "sub" }, why || row.reason), row.retry_after ? el("span", { class: "sub" }, `again from ${moment(row.retry_after)}`) : null),
    el("td", { class: "n wide" }, row.limit === null ? "–" : money(row.limit, row.currency)),
    el("td", {}, chip(row.state), row.mode === "live" ? null : el("span", { class: "sub" }, row.mode)),
    el("td", { class: "n" }, moment(row.submitted_at || row.proposed_at)));
}

function open(row) {
  shown = null;
  text("order-title", `${row.side} ${number(row.quantity, 6, 0)} × ${row.symbol}`);
  for (const id of ["order-facts", "order-gates", "order-events", "order-fills"]) byId(id).replaceChildren();
  withdrawal.open();
  load(numberOf(row));
}

// Only the order that was asked for last is shown, however late another one arrives.
async function load(id) {
  asked = id;
  try {
    const order = await get(`/api/trades/orders/${id}`);
    if (asked === id) tell(order);
  } catch (error) {
    if (asked === id) withdrawal.fail(error);
  }
}

function tell(order) {
  shown = order;
  const facts = [
    ["State", chip(order.state)], ["Class", order.order_class], ["Client order id", order.client_order_id ?? "never sent"],
    ["Broker order", order.broker_order_id], ["Limit", order.limit === null ? null : money(order.limit, order.currency)],
    ["Executed", `${number(order.filled, 6, 0)} of ${number(order.quantity, 6, 0)}`],
    ["Average price", order.average_price === null ? null : money(order.average_price, order.currency)],
    ["Again from", order.retry_after && moment(order.retry_after)], ["Reason", order.reason], ["Error", order.error],
  ].filter(([, value]) => value !== null && value !== "");
  byId("order-facts").replaceChildren(...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  byId("order-gates").replaceChildren(...order.verdicts.map(gateRow));
  byId("order-events").replaceChildren(...order.events.map((event) => el("li", {}, el("time", { class: "soft" }, moment(event.at)), " ", chip(event.after), event.note ? ` ${event.note}` : null)));
  byId("order-fills").replaceChildren(...order.fills.map((fill) => el("li", {}, el("time", { class: "soft" }, moment(fill.executed_at)), ` ${number(fill.quantity, 6, 0)} at ${money(fill.price, fill.currency)}`)));
  withdrawal.check();
}

function gateRow(verdict) {
  const word = verdict.passed ? ["good", "passed"] : verdict.forced ? ["warn", "overruled"] : ["bad", "stopped it"];
  const again = verdict.retry_after ? ` (again from ${moment(verdict.retry_after)})` : "";
  return el("tr", {}, el("td", {}, verdict.gate), el("td", {}, el("span", { class: `chip ${word[0]}` }, word[1])), el("td", {}, verdict.detail + again));
}

const loggedIn = document.body.dataset.loggedIn === "yes";
const withdrawal = confirming("order-dialog", async () => {
  await post(`/api/trades/orders/${shown.client_order_id}/cancel`, {});
  refresh();
}, () => loggedIn && shown !== null && shown.cancelable);

export function start(everything) {
  refresh = everything;
}
