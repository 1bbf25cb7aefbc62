// What was written and is not yet in the room: drafts and messages on their way, kept in this browser until the server
// has them. One goes at a time, so their order stays; its token makes a message that is sent twice one message.
import {address, composer, down, followsTheRoom, me, messages} from "./chat-view.js";

const PREFIX = `levain-chat-${me}-${address}-`;
const AGAIN_MS = [500, 1000, 2000, 4000], HUNG_MS = 15000, TOO_FAST_MS = 3000, SLOW_MS = 1500, MOST_TRIES = 8;
const sender = document.getElementById("sender"), list = document.getElementById("pending");
const items = new Map(); // token -> {token, text, picture, source, at, state, reason, node}
let flight = null, timer = 0, tries = 0;

export const newToken = () => // randomUUID is missing where a tablet reaches the site over plain http
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

const store = { // a browser may refuse to keep things; then a reload loses them, and nothing else
  read(name) { try { return localStorage.getItem(PREFIX + name); } catch { return null; } },
  write(name, text) { try { localStorage.setItem(PREFIX + name, text); } catch { /* full or forbidden */ } },
  drop(name) { try { localStorage.removeItem(PREFIX + name); } catch { /* forbidden */ } },
  names() { try { return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length)); } catch { return []; } },
};

export const keepDraft = (text) => (text ? store.write("draft", text) : store.drop("draft"));
export const draft = () => store.read("draft") ?? "";

// -- on their way --------------------------------------------------------------------------------------

export function send(text, picture) {
  const item = {token: newToken(), text, picture: picture?.name, source: picture?.address, at: Date.now(), state: "waiting"};
  keep(item);
  show(item);
  down();
  pump();
}

function keep(item) {
  items.set(item.token, item);
  const {token, text, picture, source, at} = item;
  store.write(`unsent-${token}`, JSON.stringify({token, text, picture, source, at}));
}

function pump() {
  clearTimeout(timer);
  const next = [...items.values()].find((item) => item.state === "waiting");
  if (flight || !next) return;
  flight = next;
  sender.elements.token.value = next.token;
  sender.elements.text.value = next.text;
  sender.elements.picture.value = next.picture ?? "";
  timer = setTimeout(() => again(next, 0), HUNG_MS);
  setTimeout(() => { if (flight === next) label(next, "◷ Waiting for an answer"); }, SLOW_MS);
  sender.requestSubmit();
}

function again(item, inMs = AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)]) {
  if (flight === item) flight = null;
  label(item, "◷ Waiting to be sent");
  clearTimeout(timer);
  timer = setTimeout(pump, inMs);
}

function done(item) {
  if (flight === item) flight = null;
  tries = 0;
  store.drop(`unsent-${item.token}`);
  item.state = "sent";
  label(item, "✓ Sent");
  arrived();
  pump();
}

function failed(item, reason) {
  if (flight === item) flight = null;
  if (reason.startsWith("That was too fast")) return again(item, TOO_FAST_MS);
  if (reason.startsWith("Something went wrong") && tries < MOST_TRIES) return again(item); // on the server's side
  item.state = "failed";
  label(item, `! Not sent. ${reason}`);
  item.node.classList.add("failed");
  item.node.querySelector(".ways").hidden = false;
  document.dispatchEvent(new CustomEvent("chat:refused", {detail: {reason}}));
  pump();
}

export function arrived() { // the message itself is here: its stand-in goes in the same moment
  for (const [token, item] of items) {
    if (!messages.querySelector(`[data-token="${CSS.escape(token)}"]`)) continue;
    forget(item);
  }
}

function forget(item) {
  if (flight === item) { flight = null; queueMicrotask(pump); }
  items.delete(item.token);
  store.drop(`unsent-${item.token}`);
  item.node.remove();
}

// -- how they look -------------------------------------------------------------------------------------

function show(item) {
  const node = item.node = document.getElementById("pending-row").content.firstElementChild.cloneNode(true);
  node.querySelector(".body").textContent = item.text;
  const image = node.querySelector("img");
  if (item.source) image.src = item.source;
  else image.remove();
  node.querySelector('[data-do="again"]').addEventListener("click", () => retry(item));
  node.querySelector('[data-do="edit"]').addEventListener("click", () => takeBack(item));
  label(item, "◷ Sending");
  list.append(node);
}

function label(item, words) {
  const head = item.node?.querySelector(".state-of");
  if (head && head.textContent !== words) head.textContent = words;
}

function retry(item) {
  item.state = "waiting";
  item.node.classList.remove("failed");
  item.node.querySelector(".ways").hidden = true;
  label(item, "◷ Sending");
  pump();
}

function takeBack(item) {
  const field = composer.elements.text;
  field.value = field.value ? `${item.text}\n${field.value}` : item.text;
  keepDraft(field.value);
  forget(item);
  field.focus();
}

// -- what becomes of them --------------------------------------------------------------------------------

const sentence = (text) => new DOMParser().parseFromString(text || "", "text/html").body.textContent.trim();

function answered({detail}) { // the ordinary post, through htmx
  const response = detail.ctx?.response?.raw, item = flight;
  if (!response || !item) return;
  if (response.ok) return done(item);
  if (response.status === 429) return again(item, 1000 * (Number(response.headers.get("Retry-After")) || 5));
  if (response.status >= 500) return again(item);
  failed(item, sentence(detail.ctx.text) || "The server refused it.");
}

export function start() {
  if (!followsTheRoom) return;
  sender.addEventListener("live:sent", () => clearTimeout(timer)); // by the socket: it is repeated until it is answered
  sender.addEventListener("live:acknowledged", ({detail}) => items.has(detail.id) && done(items.get(detail.id)));
  sender.addEventListener("live:refused", ({detail}) => items.has(detail.id) && failed(items.get(detail.id), detail.reason));
  sender.addEventListener("htmx:after:request", answered);
  sender.addEventListener("htmx:error", (event) => { event.stopPropagation(); if (flight) again(flight); });
  sender.addEventListener("htmx:response:error", (event) => event.stopPropagation()); // said beside the message
  document.addEventListener("chat:changed", arrived);
  document.addEventListener("live:state", ({detail}) => { if (["live", "polling"].includes(detail.state) && !flight) pump(); });
  addEventListener("online", () => { if (!flight) pump(); });
  const kept = store.names().filter((name) => name.startsWith("unsent-")).map((name) => JSON.parse(store.read(name)));
  for (const item of kept.sort((a, b) => a.at - b.at)) {
    items.set(item.token, Object.assign(item, {state: "waiting"}));
    show(item);
  }
  arrived();
  pump();
}
