// What changes something stands behind a dialog of its own.

import { byId } from "./dom.js";

// A dialog whose action button works once `ready` says so; a failure is shown and keeps it open.
export function confirming(id, act, ready = () => true) {
  const box = byId(id);
  const button = box.querySelector("[data-act]");
  const failure = box.querySelector(".failure");
  const check = () => { button.disabled = !ready(box); };
  box.addEventListener("input", check);
  box.querySelector("form").addEventListener("submit", (event) => {
    if (event.submitter?.value === "cancel") return;
    event.preventDefault();
    if (!button.disabled) button.click();
  });
  button.addEventListener("click", async () => {
    button.disabled = true;
    failure.hidden = true;
    try {
      await act();
      box.close();
    } catch (error) {
      fail(error);
    }
  });
  const fail = (error) => {
    failure.textContent = error.message;
    failure.hidden = false;
    check();
  };
  const open = () => {
    failure.hidden = true;
    for (const field of box.querySelectorAll("input:not([type])")) field.value = "";
    check();
    box.showModal();
  };
  return { open, check, fail };
}
