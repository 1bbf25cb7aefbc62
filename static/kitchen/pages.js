// Which tickets are on the screen, and which key moves which. More than fit turn pages by themselves; a ticket keeps
// its key for as long as it is shown, so that no finger meets another order than the eye did.
import {secondsOf, minutesAndSeconds, showAges} from "./ages.js";
import {settings} from "./settings.js";

const TURN_MS = 8000, STABLE_MS = 3000, HANDS_MS = 10000, NEW_MS = 600;
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"];
const board = document.getElementById("board"), more = document.getElementById("more"), strip = document.getElementById("all-day");
const lists = [...board.querySelectorAll(".tickets")];
const slots = new Map(); // ticket id -> {key, lane, since}
const freed = new Map(); // key -> when it became free
const left = new Map(); // ticket id -> its key; one that changes lanes is away for a moment
let page = 0, pages = 1, turned = 0, changed = 0, touched = -Infinity, later = 0;
const listeners = [];

export const tickets = () => lists.flatMap((list) => [...list.children].filter((row) => row.matches(".ticket")));
export const shown = () => tickets().filter((ticket) => ticket.dataset.localOff === undefined);
export const ofKey = (key) => shown().find((ticket) => slots.get(ticket.id)?.key === key);
export const afterLayout = (listener) => listeners.push(listener);
export const handsOn = () => { touched = performance.now(); };
export const settled = (ticket) => performance.now() - (slots.get(ticket.id)?.since ?? 0) >= NEW_MS;

// -- where things stand ---------------------------------------------------------------------------------

function place(list) { // the columns of a lane flow on to the right, out of sight: that is its next page
  const step = list.clientWidth + parseFloat(getComputedStyle(list).columnGap || 0);
  const count = Math.max(1, Math.ceil((list.scrollWidth + step - list.clientWidth) / step - 0.05));
  const left = list.getBoundingClientRect().left - list.scrollLeft;
  for (const ticket of list.children) {
    const boxes = ticket.getClientRects();
    if (!boxes.length) continue;
    ticket.dataset.localPage = Math.floor((boxes[0].left - left + 1) / step);
    ticket.toggleAttribute("data-local-split", boxes.length > 1);
  }
  return count;
}

function turnTo(number) {
  page = ((number % pages) + pages) % pages;
  turned = performance.now();
  layout();
}

function layout() {
  showAges();
  const scrolls = getComputedStyle(board).overflowY !== "hidden"; // a telephone: no pages, no keys to count
  const counts = lists.map((list) => (scrolls ? 1 : place(list)));
  pages = Math.max(...counts);
  page = Math.min(page, pages - 1);
  lists.forEach((list, n) => {
    const mine = page % counts[n], step = list.clientWidth + parseFloat(getComputedStyle(list).columnGap || 0);
    if (!scrolls) list.scrollLeft = mine * step;
    for (const ticket of list.children) ticket.toggleAttribute("data-local-off", !scrolls && Number(ticket.dataset.localPage) !== mine);
  });
  giveKeys();
  count();
  listeners.forEach((listener) => listener());
}

// -- keys -----------------------------------------------------------------------------------------------

function giveKeys() {
  const now = performance.now(), visible = shown(), ids = new Set(visible.map(({id}) => id));
  for (const [id, {key}] of slots) if (!ids.has(id)) leave(id, key, now);
  const taken = new Set([...slots.values()].map(({key}) => key));
  const wait = now - turned < 50 ? -1 : STABLE_MS; // a page that has just turned is read anew anyway
  for (const ticket of visible) {
    const slot = slots.get(ticket.id) ?? {since: now, key: back(ticket.id, taken, now)}, lane = ticket.parentNode.id;
    if (!slots.has(ticket.id)) again(NEW_MS);
    if (slot.lane && slot.lane !== lane) { slot.since = now; again(NEW_MS); }
    slot.lane = lane;
    if (!slot.key) slot.key = KEYS.find((key) => !taken.has(key) && !(now - freed.get(key) < wait));
    if (slot.key) taken.add(slot.key);
    slots.set(ticket.id, slot);
    mark(ticket, slot, now);
  }
  for (const ticket of tickets()) if (!ids.has(ticket.id)) mark(ticket, {since: now}, now);
}

function leave(id, key, now) {
  slots.delete(id);
  if (!key) return;
  freed.set(key, now);
  left.set(id, key);
  again(STABLE_MS);
}

function back(id, taken, now) {
  const key = left.get(id);
  left.delete(id);
  return key && !taken.has(key) && now - freed.get(key) < STABLE_MS ? key : undefined;
}

function mark(ticket, {key, since}, now) {
  const button = ticket.querySelector(".bump");
  for (const element of [ticket, ticket.querySelector("header")]) {
    if (key) element.dataset.localKey = key; else delete element.dataset.localKey;
  }
  if (key && settings.shortcuts) button.setAttribute("aria-keyshortcuts", key);
  button.setAttribute("aria-disabled", String(now - since < NEW_MS));
}

function forget() { // what left for good
  for (const [id, key] of left) if (performance.now() - freed.get(key) > STABLE_MS) left.delete(id);
}

function again(ms) {
  setTimeout(soon, ms + 20);
}

// -- numbers that are always those of the tickets ----------------------------------------------------------

function count() {
  const all = tickets(), hidden = all.filter((ticket) => ticket.dataset.localOff !== undefined);
  for (const place of document.querySelectorAll("[data-count]")) {
    write(place, String(document.querySelectorAll(`#column-${place.dataset.count} > .ticket`).length));
  }
  const waiting = document.querySelectorAll("#column-new > .ticket").length;
  const title = waiting ? `(${waiting}) Kitchen · Levain` : "Kitchen · Levain";
  if (document.title !== title) document.title = title;
  more.hidden = !hidden.length;
  if (hidden.length) write(more, `+${hidden.length} more, oldest ${minutesAndSeconds(Math.max(...hidden.map(secondsOf)))} · page ${page + 1} of ${pages}`);
  countItems(all);
}

function countItems(all) {
  const sums = new Map();
  for (const ticket of all.filter(({dataset}) => dataset.state !== "ready")) {
    for (const {dataset: {name, makes}} of ticket.querySelectorAll("[data-makes]")) sums.set(name, (sums.get(name) ?? 0) + Number(makes));
  }
  const rows = [...sums].filter(([, n]) => n).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const text = rows.map(([name, n]) => `${n} ${name}`).join("|");
  if (strip.dataset.localText === text) return;
  strip.dataset.localText = text;
  strip.replaceChildren(...rows.map(([name, n]) => {
    const row = document.createElement("li"), many = document.createElement("b");
    many.textContent = n;
    row.append(many, ` ${name}`);
    return row;
  }));
}

const write = (place, text) => { if (place.textContent !== text) place.textContent = text; };

// -- when to look again -----------------------------------------------------------------------------------

export function soon() {
  if (later) return;
  later = setTimeout(() => { later = 0; layout(); }, 0);
}

export function turn(by) { turnTo(page + by); }
export function first() { turnTo(0); }
export function last() { turnTo(pages - 1); }

function tick() {
  const now = performance.now();
  forget();
  if (!more.hidden) count();
  if (pages > 1 && now - turned > TURN_MS && now - changed > STABLE_MS && now - touched > HANDS_MS) turn(1);
}

new MutationObserver((records) => {
  const rows = records.some(({addedNodes, removedNodes}) => [...addedNodes, ...removedNodes].some((node) => node.matches?.(".ticket")));
  if (rows) changed = performance.now();
  soon();
}).observe(board, {childList: true, subtree: true});
new ResizeObserver(soon).observe(board);
setInterval(tick, 1000);
layout();
