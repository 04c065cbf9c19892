// The event stream: one line to the daemon that says what changed, and whether it still lives.

const STALE_MS = 15000;

// `onEvent(type, data)` per event, `onStart()` when everything must be fetched anew, `onBeat()` on
// every heartbeat, `onStale(seconds | null)` once a second while nothing has been heard.
export function follow({ onEvent, onStart, onBeat, onStale }) {
  let heard = performance.now();
  let stale = false;
  let source = null;
  const alive = () => {
    heard = performance.now();
    if (stale) onStale(null);
    stale = false;
  };
  const on = (name, act) => source.addEventListener(name, (message) => { alive(); act(message); });

  function open() {
    source = new EventSource("/api/events/stream");
    on("connected", onStart);
    on("resync", onStart);
    on("hb", onBeat);
    on("message", (message) => {
      const event = JSON.parse(message.data);
      onEvent(event.type, event.data);
    });
    // The browser gives up for good when it is answered with an error instead of a stream.
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 5000);
    };
  }

  open();
  setInterval(() => {
    const silent = performance.now() - heard;
    if (silent < STALE_MS) return;
    stale = true;
    onStale(Math.round(silent / 1000));
  }, 1000);
}
