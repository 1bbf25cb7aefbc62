// What one does with a message: one menu for all of them, and keys for whoever walks the log with arrows.
import {composer, down, followsTheRoom, idOf, isMine, messages, rows} from "./chat-view.js";
import {edit, reply} from "./chat-compose.js";
import {markFrom} from "./chat-marks.js";
import {unreadFrom} from "./chat-read.js";
import {act} from "./chat-net.js";

const menu = document.getElementById("menu");
const SURE = "Press again to delete";
let row = null;

function open(at, from) {
  row = at;
  for (const button of menu.querySelectorAll("[data-own]")) button.hidden = !isMine(row);
  const remove = menu.querySelector('[data-do="delete"]');
  remove.firstChild.textContent = "Delete ";
  menu.showPopover();
  const place = from.getBoundingClientRect(), size = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(place.right - size.width, innerWidth - size.width - 8))}px`;
  menu.style.top = `${place.bottom + size.height + 8 > innerHeight ? Math.max(8, place.top - size.height - 4) : place.bottom + 4}px`;
  menu.querySelector("button").focus();
}

function close(focus = row) {
  menu.hidePopover();
  focus?.focus({preventScroll: true});
}

const DO = {
  reply() { close(null); reply(row); },
  edit() { close(null); edit(row); },
  unread() { markFrom(idOf(row)); unreadFrom(idOf(row)); close(); },
  async delete(button) {
    if (button && button.firstChild.textContent !== SURE) { button.firstChild.textContent = SURE; return; }
    close();
    const refused = await act(`/chat/messages/${idOf(row)}/deletion`, {});
    if (refused) levain.notice(refused);
  },
};

async function react(message, kind) {
  const button = message.querySelector(`.reaction[value="${kind}"]`);
  const refused = await act(`/chat/messages/${idOf(message)}/reactions`, {kind, on: button?.getAttribute("aria-pressed") === "true" ? 0 : 1});
  if (refused) levain.notice(refused);
}

function pressed(event) {
  const more = event.target.closest(".more"), reaction = event.target.closest(".reaction");
  if (!reaction && !(more && followsTheRoom)) return; // beside older messages it leads to the page of that one
  event.preventDefault();
  const at = event.target.closest(".message");
  if (more) return open(at, more);
  react(at, reaction.value);
}

const STEPS = {ArrowUp: (at) => at - 1, ArrowDown: (at) => at + 1, Home: () => 0, End: (at, all) => all.length - 1};
const KEYS = {r: "reply", e: "edit", u: "unread"};

function keyed(event) {
  const at = event.target.closest(".message"), all = rows();
  if (event.target !== messages && event.target !== at) return; // a button or a link in a message has its own keys
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const step = STEPS[event.key];
  if (step) {
    event.preventDefault();
    const next = all[at ? step(all.indexOf(at), all) : event.key === "Home" ? 0 : all.length - 1];
    if (event.key === "End") down();
    next?.focus({preventScroll: event.key === "End"});
    return next?.scrollIntoView({block: "nearest"});
  }
  if (!followsTheRoom) return;
  if (event.key === "Escape") { event.preventDefault(); return composer.elements.text.focus(); }
  if (!at || at.querySelector(".gone") || event.repeat) return;
  row = at;
  if (event.key === "Enter" || event.key === "+") { event.preventDefault(); return open(at, at.querySelector(".more")); }
  if (event.key === "Delete" && isMine(at)) { event.preventDefault(); open(at, at.querySelector(".more")); return menu.querySelector('[data-do="delete"]').focus(); }
  const name = KEYS[event.key.toLowerCase()];
  if (!name || (name === "edit" && !isMine(at))) return;
  event.preventDefault();
  DO[name]();
}

export function start() {
  messages.addEventListener("click", pressed);
  messages.addEventListener("keydown", keyed);
  menu.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.react) { close(); return react(row, button.dataset.react); }
    DO[button.dataset.do](button);
  });
}
