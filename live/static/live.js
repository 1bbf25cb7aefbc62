// What htmx cannot do alone: choose the transport, notice silence, repair the page, say how true it is.
// It judges by what it sees. One request is one attempt: this file decides when to ask, where, and from which
// position; stream.js and socket.js read the answer and hand each message to `before` and `after` here.
import {jitterMs} from "./answers.js";
import {noteBuild} from "./build.js";
import {answered, resend, sending, watchForms} from "./commands.js";
import {repaired} from "./repair.js";
import {readSocket} from "./socket.js";
import {happen, is, isFinal, state, watchState} from "./states.js";
import {readStream} from "./stream.js";
import * as transport from "./transport.js";

const HELLO_MS = 3000; // no `open` within that of the request: something holds the answer back
const POLL_HELLO_MAX_MS = 12000; // there is nothing worse to fall to: a slow network gets more time
const POLL_WAIT_S = 10; // so long a poll may wait for news; its loss is noticed soon after
const POLL_PACE_MS = 500; // news that come faster come together: each poll is a request
const SPREAD_MS = 300; // a refresh reaches all pages at once; their requests should not

let el, position, seen = 0;
let attempt = null, contact = 0, again = 0;
let failures = 0, troubles = 0; // in a row, until a beat: connections that were lost, messages that led to a repair
let repairing = null, repairAgain = false, repairTimer = 0, due = false;
let hideTimer = 0;
const revoked = new Set();

const setting = (name) => Number(el.dataset[name]);
const epochOf = (id) => id.split("-")[0];
const numberOf = (id) => Number(id.split("-")[1]);
const notNewer = (id) => Boolean(id) && epochOf(id) === epochOf(position) && numberOf(id) <= numberOf(position);
const advance = (id) => { if (id && !notNewer(id)) position = id; };

function show() {
  document.documentElement.dataset.live = el.dataset.live = state;
  el.dataset.liveTransport = transport.current();
  document.dispatchEvent(new CustomEvent("live:state", {detail: {state, transport: transport.current(), contact}}));
}

// -- attempts ----------------------------------------------------------------------------------------

function address(kind, waitS) {
  const url = new URL({stream: el.dataset.liveStream, poll: el.dataset.livePoll, socket: el.dataset.liveSocket}[kind], location);
  const query = {t: el.dataset.liveTopics, position, seen, ...(kind === "poll" && {wait: waitS})};
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}

function connect() {
  clearTimeout(again);
  if (!isHere() || attempt || due || isFinal() || is("paused")) return;
  const kind = transport.current();
  const waitS = transport.hasWorked("poll") && !failures ? POLL_WAIT_S : 0; // the first poll shows at once whether polls work
  const mine = attempt = {kind, waitS, began: Date.now(), from: position};
  mine.timer = setTimeout(tooLate, patienceMs(kind, waitS), mine);
  const reader = {
    before: (detail) => before(mine, detail),
    after: (message) => after(mine, message),
    failed: () => failed(mine),
    ended: (how, options) => ended(mine, how, options),
  };
  if (kind === "socket") mine.socket = readSocket(el, address("socket"), reader);
  else mine.stop = readStream(el, address(kind, waitS), reader);
}

function patienceMs(kind, waitS) {
  return kind === "poll" ? waitS * 1000 + Math.min(HELLO_MS * (1 + failures), POLL_HELLO_MAX_MS) : HELLO_MS;
}

function close(mine) {
  mine.done = true;
  clearTimeout(mine.timer);
  if (attempt === mine) attempt = null;
  mine.stop?.();
  mine.socket?.close();
}

const drop = () => { if (attempt) close(attempt); };
const tooLate = (mine) => ended(mine, "lost", {mute: true});

// `mute`: it says nothing, though nobody has ended it.
function ended(mine, how, {mute = false, retryMs = mine.retryMs} = {}) {
  if (mine.done) return;
  close(mine);
  if (how !== "lost") return happen(how);
  if (mine.kind === "poll" && mine.beaten && !retryMs) return pollAgain(mine);
  happen("lost");
  if (mute && !mine.beaten) transport.fall(mine.kind);
  else if (mine.kind === "socket" && !mine.opened && (!transport.hasWorked("socket") || failures > 2)) transport.fall("socket");
  transport.probeLater();
  again = setTimeout(connect, retryMs ?? (mute ? 0 : jitterMs(failures)));
  failures++;
}

function pollAgain(mine) { // at once, where it has waited; the first one did not
  again = setTimeout(connect, mine.waitS ? Math.max(0, POLL_PACE_MS - (Date.now() - mine.began)) : 0);
}

// -- messages ----------------------------------------------------------------------------------------

// False: not for this page any more. From the request of a repair until its morph, what arrives is held back.
function before(mine, detail) {
  if (mine.done) return false;
  const {message} = detail;
  // hx-sse gives a message without an id the last one of its stream: a volatile event would look like an old one.
  if (message.id && message.id === mine.lastId && message.event !== "live:beat") message.id = "";
  mine.lastId = message.id || mine.lastId;
  const isOfCore = message.event in CORE && !message.id;
  contact = Date.now();
  if (message.event !== "live:beat" && notNewer(message.id)) return false;
  if (!repairing || isOfCore) return take(mine, message);
  mine.held = true;
  detail.waitUntil(repairing.then(() => {
    mine.held = false;
    contact = Date.now();
    detail.cancelled = mine.done || (isState(message) && notNewer(message.id));
    if (!detail.cancelled) take(mine, message);
  }));
}

function take(mine, message) { // the position moves now: a message that fails is repaired, never repeated
  mine.current = message;
  advance(message.id);
}

const isState = (message) => !message.event || message.event === "live:refresh"; // a signal is not in the page

function after(mine, message) {
  mine.current = null;
  if (message.event in CORE) CORE[message.event](mine, message.data);
}

function heard(mine) {
  if (repairing || mine.done) return;
  happen(mine.kind === "poll" ? "answer" : "open");
  if (el.dataset.liveTransport !== mine.kind) show(); // as true as before, by another way
}

const CORE = {
  __proto__: null,
  "live:open"(mine, text) {
    const {build, seen: newest} = JSON.parse(text);
    mine.opened = true;
    seen = newest;
    if (mine.kind !== "poll") clearTimeout(mine.timer); // that of a poll is for all of it
    if (mine.kind === "socket") resend(mine.socket);
    transport.opened(mine.kind);
    heard(mine);
    if (build !== el.dataset.liveBuild) noteBuild(build, setting("liveReload"), () => is("live", "polling") && !sending());
  },
  "live:beat"(mine, text) {
    mine.beaten = true;
    failures = troubles = 0;
    const {fresh, seen: newest} = JSON.parse(text);
    seen = newest;
    if (fresh) heard(mine);
    else happen("silent");
  },
  "live:resync"(mine, text) {
    drop();
    repairFirst(JSON.parse(text).after);
  },
  "live:revoked"(mine, topic) {
    if (revoked.has(topic)) return;
    revoked.add(topic);
    setTimeout(repair, troubleMs());
  },
  "live:bye"(mine, text) {
    const {reason, retry} = JSON.parse(text);
    if (reason !== "signed-out") return ended(mine, "lost", {retryMs: retry});
    drop(); // or only other rights than before: the page itself says which
    repairFirst(0);
  },
  "live:refresh"() { repairTimer ||= setTimeout(repair, Math.random() * SPREAD_MS); },
  "live:ack"(mine, text) {
    const {id, ...answer} = JSON.parse(text);
    answered(id, answer);
  },
};

function failed(mine) { // a message that cannot be swapped: the page is fetched, and nothing is repeated
  if (mine.done) return;
  if (!mine.current) return ended(mine, "lost");
  close(mine);
  repairFirst(troubleMs());
}

const troubleMs = () => (troubles++ ? jitterMs(troubles) : 0); // at once, but not in a circle

// -- repair ------------------------------------------------------------------------------------------

function repairFirst(waitMs) { // and connect only then
  due = true;
  happen("repair");
  setTimeout(repair, waitMs);
}

function repair() { // one at a time
  clearTimeout(repairTimer);
  repairTimer = 0;
  if (repairing) { repairAgain = true; return; }
  repairing = repaired(el, isFinal, () => happen("silent")).then(goOn).finally(() => {
    repairing = null;
    due = false;
    if (repairAgain) { repairAgain = false; return repair(); }
    if (attempt?.opened) heard(attempt);
    connect();
  });
}

function goOn({end, connect: fresh, position: rendered}) {
  if (end) { drop(); happen(end); }
  if (!fresh) return;
  el.dataset.liveTopics = fresh.dataset.liveTopics;
  if (epochOf(rendered) !== epochOf(position) || revoked.size) drop(); // another history, or fewer topics
  revoked.clear();
  advance(rendered);
  document.dispatchEvent(new CustomEvent("live:repaired"));
}

// -- the page's life ---------------------------------------------------------------------------------

function isHere() { // the element may have been swapped away, or for another one
  if (el.isConnected) return true;
  const other = document.getElementById("live-connect");
  drop();
  happen(other ? "lost" : "hide");
  if (!other) return false;
  adopt(other);
  happen("show");
  again = setTimeout(connect, 0);
  return true;
}

function adopt(element) {
  el = element;
  position ??= el.dataset.livePosition; // what came later includes it, so the page's own is never too new
  const change = () => { drop(); connect(); };
  const best = el.dataset.liveSocket ? "socket" : "stream";
  transport.begin({best, everyMs: setting("liveProbe"), address: (kind) => !isFinal() && address(kind), change});
  show();
}

function watch() { // silence: the connection is not waited for, it is dropped
  if (!isHere() || is("paused") || isFinal() || attempt?.held) return;
  const quietMs = transport.current() === "poll" ? patienceMs("poll", POLL_WAIT_S) : 2 * setting("liveBeat") + 500;
  if (Date.now() - contact < quietMs) return;
  happen("silent");
  if (attempt?.opened) ended(attempt, "lost", {mute: true});
}

const pauses = () => el.dataset.livePause !== "no";

function hidden() {
  clearTimeout(hideTimer);
  if (pauses()) hideTimer = setTimeout(() => { drop(); happen("hide"); }, setting("liveHidden"));
}

function wake() { // the network or the tab is back: no waiting for the next try
  clearTimeout(hideTimer);
  if (document.hidden && pauses()) return;
  happen("show");
  failures = 0;
  if (attempt && Date.now() - contact > 2 * setting("liveBeat")) drop();
  if (attempt) return;
  happen("lost");
  connect();
}

function offline() {
  happen("silent");
  if (attempt) ended(attempt, "lost", {retryMs: jitterMs(failures)});
}

function start() {
  contact = Date.now();
  watchState(show);
  adopt(el);
  watchForms(() => (attempt?.opened && attempt.socket) || null);
  document.addEventListener("visibilitychange", () => (document.hidden ? hidden() : wake()));
  document.addEventListener("resume", wake);
  addEventListener("online", () => { transport.probeSoon(); wake(); });
  addEventListener("offline", offline);
  addEventListener("pagehide", drop);
  addEventListener("pageshow", (event) => { if (event.persisted) wake(); });
  connect();
  if (document.hidden) hidden();
  setInterval(watch, 1000);
}

el = document.getElementById("live-connect");
if (el) start(); // a module runs when the page is parsed
