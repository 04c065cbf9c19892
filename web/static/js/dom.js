// Building and updating the page without ever parsing text as markup.

export const byId = (id) => document.getElementById(id);

// An element with attributes and children; a child may be a node, a text or null.
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    if (name === "class") node.className = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// Set a text only when it differs, and let a changed figure glow once.
export function text(id, value, { flash = false } = {}) {
  const node = typeof id === "string" ? byId(id) : id;
  if (node.textContent === value) return;
  const known = node.textContent !== "" && node.textContent !== "–";
  node.textContent = value;
  if (flash && known) glow(node);
}

function glow(node) {
  node.classList.remove("flash");
  void node.offsetWidth;
  node.classList.add("flash");
}

export function signed(node, number) {
  node.classList.toggle("up", number > 0);
  node.classList.toggle("down", number < 0);
}

// Keep one child per item, in order, and rebuild only those whose content changed.
export function keyed(parent, items, { key, render, empty = null }) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const fresh = items.map((item) => {
    const print = JSON.stringify(item);
    const before = old.get(String(key(item)));
    if (before && before.dataset.print === print) return before;
    const node = render(item);
    node.dataset.key = key(item);
    node.dataset.print = print;
    if (before) glow(node);
    return node;
  });
  if (!fresh.length && empty) fresh.push(empty);
  const same = fresh.length === parent.children.length && fresh.every((node, i) => node === parent.children[i]);
  if (!same) parent.replaceChildren(...fresh);
}

export function emptyRow(columns, message) {
  return el("tr", {}, el("td", { class: "empty", colspan: columns }, message));
}
