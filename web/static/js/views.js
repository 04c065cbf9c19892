// One function per panel: takes what the daemon answered and brings the panel in line with it.

import { closeBefore, showLive } from "./chart.js";
import { byId, el, emptyRow, keyed, signed, text } from "./dom.js";
import { clock, day, distance, gain, moment, money, number, percent } from "./format.js";
import { opener } from "./prices.js";

let marketNow = null;
export const marketTime = () => marketNow;

const demo = (row) => (row.synthetic ? el("span", { class: "badge demo", title: "An invented instrument of the demonstration market" }, "DEMO") : null);
export const side = (name) => el("span", { class: `side-tag ${name}` }, name);

export function summary(data) {
  text("total", money(data.total_value), { flash: true });
  text("invested", money(data.invested), { flash: true });
  text("cash-total", money(data.cash_balance), { flash: true });
  text("profit", gain(data.profit_eur), { flash: true });
  signed(byId("profit"), data.profit_eur);
  text("pots", money(data.reserved_dividends));
  showLive(data.total_value, data.as_of);
  dayChange(data);
  keyed(byId("cash").tBodies[0], data.cash, { key: (row) => row.currency, render: cashRow, empty: emptyRow(3, "No cash") });
}

function dayChange(data) {
  const before = closeBefore(data.as_of);
  const node = byId("day-change");
  if (before === null || data.total_value === null) return text(node, "");
  const change = data.total_value - before;
  signed(node, change);
  return text(node, `${gain(change)} (${gain(change / before, (value) => percent(value, 2))}) today`);
}

function cashRow(row) {
  const cells = [el("td", {}, row.currency), el("td", { class: "n" }, number(row.amount)), el("td", { class: "n" }, money(row.amount_eur))];
  if (row.amount < 0) cells[1].classList.add("down");
  return el("tr", {}, ...cells);
}

export function positions(rows) {
  text("positions-count", rows.length === 1 ? "1 instrument" : `${rows.length} instruments`);
  const largest = Math.max(...rows.map((row) => row.weight ?? 0), 0.0001);
  const shown = rows.map((row) => ({ ...row, length: Math.round((100 * Math.max(0, row.weight ?? 0)) / largest) }));
  keyed(byId("positions").tBodies[0], shown, { key: (row) => row.symbol, render: positionRow, empty: emptyRow(8, "Nothing is held yet") });
}

function positionRow(row) {
  const gained = el("td", { class: "n" }, gain(row.profit_eur));
  signed(gained, row.profit_eur ?? 0);
  const share = el("i");
  share.style.width = `${row.length}%`;
  const ratio = row.avg_price && row.current_price ? row.current_price / row.avg_price - 1 : null;
  gained.append(el("span", { class: "sub" }, gain(ratio, percent)));
  return el("tr", {},
    el("td", {}, opener(row), " ", demo(row), el("span", { class: "sub" }, `${row.symbol}${row.country ? ` · ${row.country}` : ""}`)),
    el("td", { class: "wide", "data-spark": row.symbol }, "–"),
    el("td", { class: "n wide" }, number(row.quantity, 6, 0)),
    el("td", { class: "n wide" }, number(row.avg_price, 4, 2), el("span", { class: "sub" }, row.currency)),
    el("td", { class: "n wide" }, number(row.current_price, 4, 2), el("span", { class: "sub" }, row.currency)),
    el("td", { class: "n" }, money(row.market_value_eur), el("span", { class: "sub narrow" }, `${number(row.quantity, 6, 0)} × ${number(row.current_price, 4, 2)}`)),
    gained,
    el("td", { class: "n wide" }, el("span", { class: "bar-share", "aria-hidden": "true" }, share), percent(row.weight)));
}

export function trades(rows) {
  keyed(byId("trades").tBodies[0], rows, { key: (row) => row.id, render: tradeRow, empty: emptyRow(4, "No trades yet") });
}

function tradeRow(row) {
  return el("tr", {},
    el("td", {}, side(row.side), `${number(row.quantity, 6, 0)} × ${row.name}`, el("span", { class: "sub" }, row.symbol), row.foreign ? el("span", { class: "chip busy" }, "foreign") : null),
    el("td", { class: "n wide" }, money(row.price, row.currency)),
    el("td", { class: "n" }, money(row.value_eur)),
    el("td", { class: "n" }, moment(row.executed_at)));
}

const RUN_TONES = { succeeded: "good", running: "busy", queued: "busy", failed: "bad", partial: "warn", interrupted: "warn" };

export function jobs({ jobs: rows }) {
  keyed(byId("jobs").tBodies[0], rows, { key: (row) => row.id, render: jobRow, empty: emptyRow(3, "No jobs yet") });
}

function jobRow(row) {
  const last = row.last;
  const story = row.progress || (last && (last.error || last.result || last.reason)) || "";
  return el("tr", {},
    el("td", {}, el("span", { class: "name" }, row.id), el("span", { class: "sub" }, row.schedule)),
    el("td", {}, last ? el("span", { class: `chip ${RUN_TONES[last.status] || ""}` }, last.status) : el("span", { class: "soft" }, "never"),
      last && last.duration_ms !== null ? el("span", { class: "soft" }, ` ${number(last.duration_ms / 1000, 1)} s`) : null, el("span", { class: "sub" }, story)),
    el("td", { class: "n" }, moment(row.next_run)));
}

export function markets(data) {
  text("markets-open", `${data.open_count} of ${data.markets.length} open`);
  const now = data.market_time;
  keyed(byId("markets"), data.markets, { key: (row) => row.exchange, render: (row) => marketRow(row, now) });
}

function marketRow(row, now) {
  const next = row.is_open ? row.next_close && `closes in ${distance(now, row.next_close)}` : row.next_open && `opens in ${distance(now, row.next_open)}`;
  return el("li", {},
    el("span", { class: "dot", "data-state": row.is_open ? "ok" : "closed", "aria-hidden": "true" }),
    el("span", {}, row.exchange, " ", el("span", { class: "hidden" }, row.is_open ? "open" : "closed"), el("span", { class: "chip" }, row.session)),
    el("span", { class: "soft" }, next || ""));
}

export function status(data) {
  const names = { ok: "All well", degraded: "Degraded", halted: "Halted", starting: "Starting" };
  text("state", names[data.status] || data.status);
  byId("state-dot").dataset.state = data.status;
  text("mode", data.trading_mode || "…");
  marketNow = data.market_time;
  text("clock", clock(marketNow));
  byId("clock").dateTime = marketNow;
  halted(data);
  const old = byId("stale-data");
  old.hidden = !data.stale;
  text(old, data.stale ? `Figures as of ${moment(data.last_sync)}: ${data.stale}` : "");
  text("uptime", `up ${distance(0, data.uptime_s * 1000)}`);
  text("link", linkText(data.link));
  keyed(byId("actors"), data.actors, { key: (row) => row.actor, render: actorRow });
}

function linkText(link) {
  if (!link) return "broker not contacted yet";
  return link.connected ? "broker connected" : `broker away: ${link.last_error || "no answer"}`;
}

function halted(data) {
  byId("halted").hidden = !data.halted;
  byId("halt-button").hidden = data.latches.some((latch) => latch.name === "owner");
  keyed(byId("latches"), data.latches, { key: (latch) => latch.name, render: (latch) => el("li", {}, `${latch.name.replaceAll("_", " ")}: ${latch.reason} (${day(latch.set_at)})`) });
}

function actorRow(row) {
  const state = row.late ? "late" : row.state;
  const note = [row.note, row.restarts ? `${row.restarts} restarts` : ""].filter(Boolean).join(", ");
  return el("li", {}, el("span", { class: "dot", "data-state": state, "aria-hidden": "true" }), el("span", {}, row.actor), el("span", { class: "soft" }, note || state));
}
