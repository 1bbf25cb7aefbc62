// What this network lets through: trying a better transport beside the one in use, and keeping the verdict.

const HELLO_MS = 3000;
const KEY = "live-transport";

export async function opens(kind, url) { // does the first message come in time?
  const stop = new AbortController(), timer = setTimeout(() => stop.abort(), HELLO_MS);
  try {
    return await (kind === "socket" ? socketOpens(url, stop.signal) : streamOpens(url, stop.signal));
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

async function streamOpens(url, signal) {
  const response = await fetch(url, {cache: "no-store", signal});
  if (!response.ok || !response.headers.get("Content-Type")?.includes("event-stream")) return false;
  return Boolean((await response.body.getReader().read()).value);
}

const socketOpens = (url, signal) => new Promise((resolve) => {
  const socket = new WebSocket(url);
  socket.onmessage = () => resolve(true);
  socket.onclose = () => resolve(false);
  signal.addEventListener("abort", () => { socket.close(); resolve(false); });
});

// The next pages of the tab begin with what worked here, for a while.
export const remember = (transport, ms) => sessionStorage.setItem(KEY, JSON.stringify({transport, until: Date.now() + ms}));

export function remembered(best) {
  const {transport, until} = JSON.parse(sessionStorage.getItem(KEY) || "{}");
  return until > Date.now() && transport !== "socket" ? transport : best;
}
