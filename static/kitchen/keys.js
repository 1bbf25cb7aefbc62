// The board by keyboard, number pad, bump bar or pedal. A key held down is one press; keys in fields are text.
import {press, undo} from "./bumps.js";
import {afterLayout, first, handsOn, last, ofKey, settled, shown, soon, turn} from "./pages.js";
import {resize} from "./screen.js";
import {keep, settings} from "./settings.js";
import {mute, play} from "./sound.js";

const USUAL = {
  Enter: "bump", " ": "bump", b: "bump", u: "undo", Backspace: "undo", NumpadDecimal: "undo", r: "recall", NumpadSubtract: "recall",
  a: "allday", m: "mute", t: "tone", f: "full", "?": "help", i: "into", "+": "size-up", "=": "size-up", "-": "size-down",
  PageUp: "page-back", PageDown: "page", Home: "first", End: "last", Escape: "out",
  ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right",
};
const panel = document.getElementById("panel"), help = document.getElementById("help");
const strip = document.getElementById("all-day");
const ticketOf = (element) => element?.closest?.(".ticket");
let chosen = null, order = [];

// -- choosing -------------------------------------------------------------------------------------------

export function choose(ticket) {
  ticket?.querySelector(".bump").focus({preventScroll: true});
}

function move(dx, dy) {
  const from = ticketOf(document.activeElement), all = shown();
  if (!from) return choose(all[0]);
  const centre = (ticket) => { const {left, top, width, height} = ticket.getBoundingClientRect(); return [left + width / 2, top + height / 2]; };
  const [x, y] = centre(from);
  const far = (ticket) => {
    const [u, v] = centre(ticket), along = (u - x) * dx + (v - y) * dy;
    return along > 5 ? along + 3 * Math.abs((u - x) * dy + (v - y) * dx) : Infinity;
  };
  const [nearest] = all.map((ticket) => [far(ticket), ticket]).sort(([a], [b]) => a - b)[0];
  if (nearest < Infinity) choose(all.find((ticket) => far(ticket) === nearest));
}

function step(by) {
  const all = shown(), at = all.indexOf(ticketOf(document.activeElement));
  choose(all[(at + by + all.length) % all.length]);
}

const isLost = () => chosen && (!chosen.ticket.isConnected || chosen.ticket.parentNode !== chosen.lane);

// The chosen ticket moved on or went: the one after it is chosen, never nothing.
function follow() {
  if (isLost()) {
    const at = order.indexOf(chosen.ticket.id), stays = (id) => shown().find((ticket) => ticket.id === id && ticket !== chosen.ticket);
    const next = order.slice(at + 1).concat(order.slice(0, Math.max(0, at)).reverse()).map(stays).find(Boolean);
    chosen = null;
    if (next) choose(next);
    else document.getElementById("content").focus();
  }
  order = shown().map(({id}) => id);
}

document.addEventListener("focusin", ({target}) => {
  if (isLost()) return; // the swap that took it away has passed the focus on, perhaps to a line: nobody has chosen that
  const ticket = ticketOf(target);
  chosen = ticket && {ticket, lane: ticket.parentNode};
});
afterLayout(follow);

// -- what keys do ---------------------------------------------------------------------------------------

function bump(ticket) {
  if (!ticket || !settled(ticket)) return;
  press(ticket.querySelector("form.move"));
}

function inLines(by) {
  const ticks = [...ticketOf(document.activeElement).querySelectorAll(".tick")];
  ticks[(ticks.indexOf(document.activeElement) + by + ticks.length) % ticks.length].focus();
}

async function recall() {
  if (panel.open) return panel.close();
  panel.showModal();
  await htmx.ajax("GET", panel.dataset.recalls, {target: "#panel-body", swap: "innerHTML"});
  panel.querySelector("li button")?.focus();
}

const ticking = () => document.activeElement.matches(".tick");
const ACTIONS = {
  bump() {
    if (ticking()) document.activeElement.form.requestSubmit();
    else bump(ticketOf(document.activeElement) ?? shown()[0]);
  },
  undo, recall, mute,
  next: () => step(1), previous: () => step(-1),
  up: () => (ticking() ? inLines(-1) : move(0, -1)),
  down: () => (ticking() ? inLines(1) : move(0, 1)),
  left: () => move(-1, 0),
  right: () => move(1, 0),
  into: () => (ticketOf(document.activeElement) ?? shown()[0])?.querySelector(".tick")?.focus(),
  out: () => choose(ticketOf(document.activeElement)),
  page: () => turn(1), "page-back": () => turn(-1), first, last,
  tone: () => play("test"),
  full: () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen().catch(() => {})),
  help: () => help.showModal(),
  allday: () => { keep({allday: !settings.allday}); showStrip(); },
  "size-up": () => resize(1),
  "size-down": () => resize(-1),
};

function showStrip() {
  strip.hidden = !settings.allday;
  soon();
}

const learned = (event) => Object.keys(settings.keys).find((action) => settings.keys[action] === (event.code || event.key));
const actionOf = (event) => learned(event) ?? USUAL[event.code] ?? USUAL[event.key.length === 1 ? event.key.toLowerCase() : event.key];

// A pedal may be a modifier key: that key alone is a press, together with another it belongs to the browser.
function isModified({key, ctrlKey, altKey, metaKey}) {
  return (ctrlKey && key !== "Control") || (altKey && key !== "Alt") || (metaKey && key !== "Meta");
}

function pressed(event) {
  handsOn();
  if (event.defaultPrevented || event.isComposing || isModified(event)) return;
  if (event.target.matches("input,textarea,select,[contenteditable]") || document.querySelector("dialog[open]")) return;
  const onBoard = event.target === document.body || event.target.closest("main");
  const own = learned(event), number = !own && /^[0-9]$/.test(event.key); // what somebody taught this screen comes first
  const digit = number && ofKey(event.key), action = number ? null : actionOf(event);
  if (!onBoard && (event.key === "Enter" || event.key === " " || event.key.startsWith("Arrow"))) return; // the menu's own
  if (!settings.shortcuts && event.key.length === 1 && event.key !== " " && !own) return;
  if (!digit && !action) return;
  if (event.target.closest("#undo") && action === "bump") return;
  event.preventDefault();
  if (event.repeat && !action?.match(/^(up|down|left|right|next|previous)$/)) return; // a key that is held is one press
  if (!digit) return ACTIONS[action]();
  if (settings.safe) choose(digit);
  else bump(digit);
}

document.addEventListener("keydown", pressed);
document.addEventListener("keyup", (event) => { if (event.key === " " && event.target.matches?.(".bump,.tick")) event.preventDefault(); });
document.addEventListener("click", ({target}) => {
  handsOn();
  const act = target.closest?.("[data-act]")?.dataset.act;
  if (act) ACTIONS[act]();
});
panel.addEventListener("keydown", (event) => {
  const rows = [...panel.querySelectorAll("li button")], at = rows.indexOf(document.activeElement);
  if (event.key === "ArrowDown") rows[Math.min(at + 1, rows.length - 1)]?.focus();
  else if (event.key === "ArrowUp") rows[Math.max(at - 1, 0)]?.focus();
  else if (actionOf(event) === "recall" && !event.repeat) panel.close();
  else return;
  event.preventDefault();
  event.stopPropagation();
});
showStrip();
