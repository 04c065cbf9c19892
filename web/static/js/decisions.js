// What only the owner can answer: the open questions, and an answer behind a confirmation.

import { post } from "./api.js";
import { confirming } from "./confirm.js";
import { byId, el, keyed, text } from "./dom.js";
import { moment } from "./format.js";

const loggedIn = document.body.dataset.loggedIn === "yes";
let chosen = null;
let refresh = () => {};

export function decisions(rows) {
  byId("decisions").hidden = rows.length === 0;
  keyed(byId("decisions-list"), rows, { key: (row) => row.id, render: question });
}

function question(row) {
  const answers = row.choices.map((choice) => {
    const button = el("button", { type: "button", disabled: !loggedIn, title: choice.effect }, choice.choice.replaceAll("_", " "));
    button.addEventListener("click", () => ask(row, choice));
    return button;
  });
  return el("li", {}, el("div", {}, el("b", {}, row.title), el("span", { class: "sub" }, `${row.detail} · since ${moment(row.since)}`)), el("div", { class: "answers" }, ...answers));
}

function ask(row, choice) {
  chosen = { id: row.id, choice: choice.choice };
  text("decide-question", row.title);
  text("decide-effect", `${choice.choice.replaceAll("_", " ")}: ${choice.effect}.`);
  answering.open();
}

const answering = confirming("decide-dialog", async () => {
  await post(`/api/system/decisions/${encodeURIComponent(chosen.id)}`, { choice: chosen.choice, confirm: true });
  refresh();
});

export function start(everything) {
  refresh = everything;
}
