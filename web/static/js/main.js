// The dashboard lives on one event stream: an event says what changed, that is fetched and shown.

import { resource } from "./api.js";
import { showHistory } from "./chart.js";
import * as control from "./control.js";
import * as questions from "./decisions.js";
import { byId, text } from "./dom.js";
import * as matrix from "./matrix.js";
import * as book from "./orders.js";
import * as plans from "./plan.js";
import * as strategies from "./planners.js";
import * as prices from "./prices.js";
import { follow } from "./stream.js";
import * as views from "./views.js";

const REFRESH_MS = 60000;
let days = 365;
let shownDay = "";
let lastSummary = null;

const history = resource(() => `/api/portfolio/history?days=${days}`, (rows) => {
  showHistory(rows);
  if (lastSummary) views.summary(lastSummary);
});
const summary = resource("/api/portfolio/summary", (data) => {
  lastSummary = data;
  views.summary(data);
  const today = data.as_of.slice(0, 10);
  if (today !== shownDay) {
    shownDay = today;
    history();
  }
});
const positions = resource("/api/portfolio", (rows) => {
  views.positions(rows);
  prices.fill();
});
const sparklines = resource("/api/charts/sparklines", prices.sparklines);
const plan = resource("/api/trades/recommendations", plans.plan);
const planner = resource("/api/planner/status", plans.planner);
const orders = resource("/api/trades/orders?limit=12", book.orders);
const decisions = resource("/api/system/decisions", questions.decisions);
const trades = resource("/api/trades?limit=12", views.trades);
const jobs = resource("/api/system/jobs", views.jobs);
const markets = resource("/api/system/markets", views.markets);
const status = resource("/api/system/status", (data) => {
  views.status(data);
  control.know(data);
});

const everything = () => [status, summary, positions, sparklines, plan, planner, orders, decisions, trades, jobs, markets].forEach((refresh) => refresh());

const INTERESTED = {
  PORTFOLIO_CHANGED: [summary, positions],
  CASH_UPDATED: [summary],
  DEPOSIT_PROCESSED: [summary, positions],
  DIVIDEND_CREATED: [summary],
  TRADE_EXECUTED: [trades, orders, summary, positions],
  ORDER_CHANGED: [orders, plan, decisions],
  PLAN_GENERATED: [plan, planner],
  RECOMMENDATIONS_READY: [plan, planner],
  PLANNING_STATUS_UPDATED: [planner, plan],
  SYSTEM_STATUS_CHANGED: [status, decisions],
  SETTINGS_CHANGED: [status, plan],
  PLANNER_CONFIG_CHANGED: [plan, planner],
  ERROR_OCCURRED: [status, decisions],
  ERROR_CLEARED: [status, decisions],
  JOB_STARTED: [jobs],
  JOB_PROGRESS: [jobs],
  JOB_COMPLETED: [jobs, sparklines, prices.news],
  JOB_FAILED: [jobs, status],
  BACKUP_COMPLETED: [jobs],
  MARKETS_STATUS_CHANGED: [markets, status],
  DISPLAY_STATE_CHANGED: [matrix.kick],
};

function stale(seconds) {
  byId("stale").hidden = seconds === null;
  if (seconds === null) return everything();
  text("stale-age", `${seconds} s`);
  text("state", "No contact");
  byId("state-dot").dataset.state = "lost";
  return undefined;
}

for (const button of document.querySelectorAll("[data-days]")) {
  button.addEventListener("click", () => {
    for (const other of document.querySelectorAll("[data-days]")) other.setAttribute("aria-pressed", String(other === button));
    days = Number(button.dataset.days);
    history();
  });
}

control.start(everything);
book.start(everything);
questions.start(everything);
plans.start(everything);
strategies.start(everything);
matrix.start();
prices.start();
follow({
  onEvent: (type) => (INTERESTED[type] || []).forEach((refresh) => refresh()),
  onStart: everything,
  onBeat: status,
  onStale: stale,
});
// Relative times and anything whose event was never sent come right within a minute.
setInterval(() => document.hidden || everything(), REFRESH_MS);
