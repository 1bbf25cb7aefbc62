// What htmx cannot do alone: choose the transport, notice silence, repair the page, say how true it is.
// htmx's SSE extension reads and swaps every stream and poll answer; this file decides when to ask, where,
// and from which position. One request is one attempt: the extension's own loop is switched off, because it
// never retries a first connection, retries refusals for ever and believes every 200 (STACK 1.2 d, e; 2.2).
import {answered, resend, watchForms} from "./commands.js";
import {opens, remember, remembered} from "./network.js";
import {swap} from "./swap.js";

const HELLO_MS = 3000; // no `open` within that of the request: something holds the stream back
const POLL_MS = 40000; // a poll is answered within 25 s
const REPAIR_MS = 10000;
const BASE_MS = 1000, CAP_MS = 4000; // full jitter between 0 and BASE * 2^failures, at most CAP
const PROBE_MS = 60000, PROBE_MAX_MS = 3600000;
const HIDDEN_MS = 5000; // a tab hidden for longer lets its connection go
const SPREAD_MS = 300; // a refresh reaches all pages at once; their requests should not

// What happened, in which state, leads where. Anything not listed changes nothing.
const END = {unauthorised: "signed-out", forbidden: "denied"};
const NEXT = {
  connecting: {open: "live", answer: "polling", silent: "stale", repair: "catching-up", hide: "paused", ...END},
  live: {answer: "polling", lost: "connecting", silent: "stale", repair: "catching-up", hide: "paused", ...END},
  polling: {open: "live", lost: "connecting", silent: "stale", repair: "catching-up", hide: "paused", ...END},
  "catching-up": {open: "live", answer: "polling", silent: "stale", hide: "paused", ...END},
  stale: {open: "live", answer: "polling", hide: "paused", ...END},
  paused: {show: "connecting", repair: "catching-up"},
  "signed-out": {},
  denied: {},
};
const CLOSED = {4401: "unauthorised", 4403: "forbidden"}; // WebSocket close codes that are final

let el, state = "connecting", position, seen = "0", transport;
let attempt = null, failures = 0, contact = 0, again = 0;
let repairing = null, repairAgain = false, due = false;
let socketWorked = false, probeMs = PROBE_MS, probeTimer = 0, hideTimer = 0;
const revoked = new Set();

// -- state -------------------------------------------------------------------------------------------

function happen(what) {
  const next = NEXT[state][what];
  if (!next || next === state) return;
  state = next;
  show();
}

function show() {
  document.documentElement.dataset.live = el.dataset.live = state;
  el.dataset.liveTransport = transport;
  document.dispatchEvent(new CustomEvent("live:state", {detail: {state, transport, contact}}));
}

const final = () => state === "signed-out" || state === "denied";
const beatMs = () => Number(el.dataset.liveBeat);
const notNewer = (id) => {
  const [epoch, n] = (id || "").split("-"), [mine, seenTo] = position.split("-");
  return Boolean(id) && epoch === mine && Number(n) <= Number(seenTo);
};

// -- attempts ----------------------------------------------------------------------------------------

function address(kind) {
  const url = new URL({stream: el.dataset.liveStream, poll: el.dataset.livePoll, socket: el.dataset.liveSocket}[kind], location);
  url.searchParams.set("t", el.dataset.liveTopics);
  url.searchParams.set("position", position);
  url.searchParams.set("seen", seen);
  if (kind === "socket") url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}

function connect() {
  clearTimeout(again);
  if (attempt || due || final() || state === "paused") return;
  const mine = attempt = {kind: transport, opened: false, done: false};
  mine.timer = setTimeout(() => lateAnswer(mine), transport === "poll" ? POLL_MS : HELLO_MS);
  if (transport === "socket") openSocket(mine);
  else htmx.ajax("GET", address(transport), {source: el, swap: "none", live: mine});
}

function openSocket(mine) {
  const socket = mine.socket = new WebSocket(address("socket"));
  mine.abort = () => socket.close();
  let chain = Promise.resolve();
  socket.onmessage = (event) => { chain = chain.then(() => receive(mine, JSON.parse(event.data))); };
  socket.onclose = (event) => chain.then(() => ended(mine, CLOSED[event.code] || "lost"));
}

async function receive(mine, message) { // the same way as a message of a stream, without the extension
  const detail = {message, waiting: [], waitUntil(promise) { this.waiting.push(promise); }};
  if (before(mine, detail) === false) return;
  await Promise.all(detail.waiting);
  if (detail.cancelled) return;
  try {
    if (message.event) htmx.trigger(el, message.event, {data: message.data, id: message.id});
    else await swap(el, message.data);
    after(mine, message);
  } catch (error) {
    console.error(error);
    poisoned(mine);
  }
}

function lateAnswer(mine) {
  if (mine.opened) return;
  if (mine.kind === "stream") transport = "poll"; // a proxy holds the stream back, some even its head
  ended(mine, "lost", {now: mine.kind === "stream"});
}

function ended(mine, how, {now = false, retryMs = mine.retryMs} = {}) {
  if (!mine || mine.done) return;
  mine.done = true;
  clearTimeout(mine.timer);
  mine.abort?.();
  if (attempt === mine) attempt = null;
  if (how in END) return happen(how);
  if (how === "lost" && mine.kind === "poll" && mine.opened) return connect();
  if (!mine.opened && mine.kind === "socket" && (!socketWorked || failures > 2)) transport = "stream";
  happen("lost");
  scheduleProbe();
  const jitterMs = Math.random() * Math.min(CAP_MS, BASE_MS * 2 ** failures++);
  again = setTimeout(connect, now ? 0 : retryMs ?? Math.max(50, jitterMs));
}

function drop() {
  const mine = attempt;
  if (!mine) return;
  attempt = null;
  mine.done = true;
  clearTimeout(mine.timer);
  mine.abort?.();
}

function refusal(response) { // an answer that is no stream: what does it mean?
  if (response.status === 401) return ["unauthorised"];
  if (response.status === 403) return ["forbidden"];
  const after = Number(response.headers.get("Retry-After"));
  return ["lost", after ? {retryMs: after * 1000 * (1 + Math.random())} : {}];
}

// -- a better transport ------------------------------------------------------------------------------

const best = () => (el.dataset.liveSocket ? "socket" : "stream");

function scheduleProbe() {
  if (transport === best() || probeTimer) return;
  probeTimer = setTimeout(probe, probeMs);
}

async function probe() {
  probeTimer = 0;
  const better = transport === "poll" ? "stream" : "socket";
  if (transport === best() || final() || document.hidden || !(await opens(better, address(better)))) {
    probeMs = Math.min(probeMs * 2, PROBE_MAX_MS);
    return scheduleProbe();
  }
  probeMs = PROBE_MS;
  transport = better;
  remember(transport, 10 * probeMs);
  drop();
  connect();
}

// -- messages ----------------------------------------------------------------------------------------

function before(mine, detail) {
  if (!mine || mine.done) return false;
  contact = Date.now();
  const {message} = detail;
  // hx-sse gives a message without an id the last one of its stream: a volatile event would look like an old one.
  if (message.id && message.id === mine.lastId && message.event !== "live:beat") message.id = "";
  mine.lastId = message.id || mine.lastId;
  mine.current = message;
  if (notNewer(message.id) && message.event !== "live:beat") return false;
  if (repairing) detail.waitUntil(repairing.then(() => { detail.cancelled = mine.done || (isState(message) && notNewer(message.id)); }));
}

const isState = (message) => !message.event || message.event === "live:refresh"; // a signal is not in the page

function after(mine, message) {
  mine.current = null;
  if (message.id && !notNewer(message.id)) position = message.id;
  CORE[message.event]?.(mine, message.data && message.event !== "live:revoked" && message.event !== "live:refresh" ? JSON.parse(message.data) : message.data);
}

const CORE = {
  "live:open"(mine, {build, seen: newest}) {
    mine.opened = true;
    clearTimeout(mine.timer);
    if (mine.kind === "poll") mine.timer = setTimeout(() => ended(mine, "lost"), POLL_MS);
    if (mine.kind === "socket") { socketWorked = true; resend(mine.socket); }
    seen = String(newest);
    if (transport !== best()) { remember(transport, 10 * probeMs); scheduleProbe(); }
    happen(mine.kind === "poll" ? "answer" : "open");
    if (build !== el.dataset.liveBuild) document.dispatchEvent(new CustomEvent("live:build", {detail: {build}}));
  },
  "live:beat"(mine, {fresh}) {
    failures = 0;
    happen(!fresh ? "silent" : mine.kind === "poll" ? "answer" : "open");
  },
  "live:resync"(mine, {spread}) {
    drop();
    due = true;
    happen("repair");
    setTimeout(repair, Math.random() * spread);
  },
  "live:revoked"(mine, topic) {
    if (!revoked.has(topic)) { revoked.add(topic); repair(); }
  },
  "live:bye"(mine, {reason, retry}) {
    mine.retryMs = retry;
    ended(mine, reason === "signed-out" ? "unauthorised" : "gone");
  },
  "live:refresh"() { setTimeout(repair, Math.random() * SPREAD_MS); },
  "live:ack"(mine, {id, error}) { answered(id, error); },
};

function poisoned(mine) { // a message that cannot be swapped: the page is fetched, and nothing is repeated
  drop();
  mine.done = true;
  due = true;
  happen("repair");
  repair();
}

// -- repair ------------------------------------------------------------------------------------------

// One at a time. From the request until the morph, `before` holds back what arrives.
function repair() {
  if (repairing) { repairAgain = true; return; }
  repairing = repairUntilTrue().finally(() => {
    repairing = null;
    due = false;
    if (repairAgain) { repairAgain = false; return repair(); }
    if (!attempt) connect();
  });
}

async function repairUntilTrue() {
  for (let tries = 0; !final(); tries++) {
    try {
      const answer = await fetch(location.href, {cache: "no-store", signal: AbortSignal.timeout(REPAIR_MS), headers: {"Live-Repair": "1"}});
      if (answer.redirected && new URL(answer.url).pathname !== location.pathname) return happen("unauthorised");
      if (answer.status === 401) return happen("unauthorised");
      if ([403, 404, 410].includes(answer.status)) return happen("forbidden");
      if (answer.ok) return await morphPage(new DOMParser().parseFromString(await answer.text(), "text/html"), answer.headers.get("Live-Position"));
    } catch (error) {
      console.warn("repair:", error);
    }
    happen("silent");
    await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(CAP_MS, BASE_MS * 2 ** tries) + 50));
  }
}

async function morphPage(doc, rendered) {
  const fresh = doc.getElementById("live-connect");
  if (!fresh || !rendered) throw new Error("the page came without its position");
  for (const region of document.querySelectorAll("[data-live-region]:not([data-live-region] *)")) {
    const now = doc.getElementById(region.id);
    if (now) await swap(el, now.outerHTML, region, "outerMorph");
  }
  el.dataset.liveTopics = fresh.dataset.liveTopics;
  const sameEpoch = rendered.split("-")[0] === position.split("-")[0];
  if (!sameEpoch) drop(); // this connection's history is another one; come back with the new position
  if (!sameEpoch || !notNewer(rendered)) position = rendered;
  document.dispatchEvent(new CustomEvent("live:repaired"));
}

htmx.registerExtension("live", {
  htmx_config_request(node, {ctx}) { if (ctx.live) ctx.live.abort = () => ctx.request.abort(); },
  htmx_before_response(node, {ctx}) { // called for what the SSE extension did not take: no stream, so never swapped
    if (!ctx.live) return;
    ended(ctx.live, ...refusal(ctx.response.raw));
    return false;
  },
  htmx_error(node, {ctx}) { if (ctx?.live) ended(ctx.live, "lost"); },
  htmx_sse_before_connection(node, {connection}) { if (node === el) connection.live = attempt; },
  htmx_sse_before_message(node, detail) { if (node === el) return before(detail.connection.live, detail); },
  htmx_sse_after_message(node, {connection, message}) { if (node === el) after(connection.live, message); },
  htmx_sse_error(node, {connection}) { if (node === el && connection?.live?.current && !connection.live.done) poisoned(connection.live); },
  htmx_sse_close(node, {connection}) { if (node === el) ended(connection.live, "lost"); },
});

// -- the page's life ---------------------------------------------------------------------------------

function watch() { // silence: the connection is not waited for, it is dropped
  const patience = attempt?.kind === "poll" ? POLL_MS : 2 * beatMs() + 500;
  if (state === "paused" || final() || Date.now() - contact < patience) return;
  happen("silent");
  if (attempt?.opened) ended(attempt, "lost", {now: true});
}

function wake() { // the network or the tab is back: no waiting for the next try
  clearTimeout(hideTimer);
  if (document.hidden) return;
  happen("show");
  failures = 0;
  if (attempt && Date.now() - contact > 2 * beatMs()) drop();
  connect();
}

function hidden() {
  if (el.dataset.livePause === "no") return;
  hideTimer = setTimeout(() => { drop(); happen("hide"); }, HIDDEN_MS);
}

function start() {
  el = document.getElementById("live-connect");
  if (!el) return;
  position = el.dataset.livePosition;
  transport = remembered(best());
  contact = Date.now();
  show();
  connect();
  setInterval(watch, 1000);
  watchForms(() => (attempt?.opened && attempt.socket) || null);
  document.addEventListener("visibilitychange", () => (document.hidden ? hidden() : wake()));
  document.addEventListener("resume", wake);
  addEventListener("online", wake);
  addEventListener("offline", () => { drop(); happen("silent"); });
  addEventListener("pagehide", drop);
  addEventListener("pageshow", (event) => { if (event.persisted) wake(); });
}

start(); // a module runs when the page is parsed
