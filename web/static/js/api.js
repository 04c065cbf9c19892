// Talking to the daemon: reading, changing, and refreshing a resource no more often than useful.

const csrf = document.querySelector('meta[name="csrf"]').content;
const GAP_MS = 800;
const LONGEST_MS = 15000;

export async function get(path, options = {}) {
  const response = await fetch(path, { signal: AbortSignal.timeout(LONGEST_MS), ...options });
  if (!response.ok) throw await failure(response);
  return response.json();
}

export const post = (path, body, patience = LONGEST_MS) => send("POST", path, body, {}, patience);

// `version` is the one that is meant to be changed; the daemon refuses when there is a newer one.
export const put = (path, body, version) => send("PUT", path, body, { "If-Match": `"${version}"` }, LONGEST_MS);

async function send(method, path, body, headers, patience) {
  const response = await fetch(path, {
    method,
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf, ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(patience),
  });
  if (!response.ok) throw await failure(response);
  return response.json();
}

async function failure(response) {
  const problem = await response.json().catch(() => ({}));
  const error = new Error(problem.detail || `the daemon answered ${response.status}`);
  return Object.assign(error, { errors: problem.errors ?? [] });
}

// A function that fetches and shows; calls while one is under way are folded into one more.
export function resource(path, show) {
  let busy = false;
  let again = false;
  return async function refresh() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      show(await get(typeof path === "function" ? path() : path));
    } catch (error) {
      console.warn(`${error.message}`);
    }
    setTimeout(() => {
      busy = false;
      if (again) {
        again = false;
        refresh();
      }
    }, GAP_MS);
  };
}
