// Which transport this network lets through: a worse one where the better is mute, and back by a probe, a second
// request beside the one in use. The verdict is kept for the next pages of the tab.
import {isStream} from "./answers.js";

const HELLO_MS = 3000;
const SOON_MS = 5000, PROBE_MAX_MS = 3600000; // a transport that has worked here is soon tried again
const KEPT_PROBES = 10; // so many probing intervals does a verdict last
const KEY = "live-transport";
const BETTER = {poll: "stream", stream: "socket"};
const WORSE = {socket: "stream", stream: "poll"};

const worked = new Set();
let kind, best, everyMs, waitMs, timer = 0;
let address, change; // address(kind): where it would connect; change(kind): connect by that one

export const current = () => kind;
export const hasWorked = (which) => worked.has(which);

export function begin(options) { // {best, everyMs, address, change}
  ({best, everyMs, address, change} = options);
  kind = remembered();
  waitMs = everyMs;
}

export function opened(which) {
  worked.add(which);
  if (kind !== best) keep();
  probeLater();
}

export function fall(from) { // where nothing worse is left the network is dead, and the best is tried again
  kind = WORSE[from] ?? best;
  waitMs = worked.has(from) ? Math.min(SOON_MS, everyMs) : everyMs;
}

export function use(which) { // nothing is lost by it: the position stays
  kind = which;
  change();
}

export function probeSoon() { // another network may let more through
  clearTimeout(timer);
  timer = 0;
  waitMs = Math.min(SOON_MS, everyMs);
  probeLater();
}

export function probeLater() {
  if (kind !== best && !timer) timer = setTimeout(probe, waitMs);
}

async function probe() {
  const now = kind, better = BETTER[now];
  const url = now !== best && !document.hidden && address(better);
  const isOpen = Boolean(url) && await opens(better, url);
  timer = 0;
  waitMs = isOpen ? everyMs : Math.min(2 * waitMs, PROBE_MAX_MS);
  if (isOpen && kind === now) {
    use(better);
    keep();
  }
  probeLater();
}

async function opens(which, url) { // does the first message come in time?
  const stop = new AbortController(), late = setTimeout(() => stop.abort(), HELLO_MS);
  try {
    return await (which === "socket" ? socketOpens(url, stop.signal) : streamOpens(url, stop.signal));
  } catch {
    return false;
  } finally {
    clearTimeout(late);
    stop.abort();
  }
}

async function streamOpens(url, signal) {
  const response = await fetch(url, {cache: "no-store", signal});
  return isStream(response) && Boolean((await response.body.getReader().read()).value);
}

const socketOpens = (url, signal) => new Promise((resolve) => {
  const socket = new WebSocket(url.replace(/^http/, "ws"));
  socket.onmessage = () => resolve(true);
  socket.onclose = () => resolve(false);
  signal.addEventListener("abort", () => { socket.close(); resolve(false); });
});

function keep() {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({transport: kind, until: Date.now() + KEPT_PROBES * everyMs}));
  } catch { /* storage is switched off: each page finds out by itself */ }
}

function remembered() {
  try {
    const {transport, until} = JSON.parse(sessionStorage.getItem(KEY)) ?? {};
    const worse = transport === "poll" || (transport === "stream" && best === "socket");
    return worse && until > Date.now() ? transport : best;
  } catch {
    return best;
  }
}
