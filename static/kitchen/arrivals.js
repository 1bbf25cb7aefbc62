// What is new on the board: a chime and a word, once for all that came together. After a silence, once for all of it.
import {afterLayout, tickets} from "./pages.js";
import {play, ring} from "./sound.js";

const BATCH_MS = 2000, FRESH_MS = 1500, MOST_KNOWN = 2000;
const known = new Set(tickets().map(({id}) => id));
const seenChanged = new Set(tickets().filter(({dataset}) => "changed" in dataset).map(({id}) => id));
let batch = null, away = null;

function look() {
  const fresh = tickets().filter(({id}) => !known.has(id)), changes = tickets().filter(changedNow);
  for (const ticket of fresh) { known.add(ticket.id); mark(ticket); }
  while (known.size > MOST_KNOWN) known.delete(known.values().next().value);
  if (away) return away.push(...fresh);
  if (fresh.length) arrived(fresh);
  else if (changes.length) { play("changed"); levain.say(`Order ${numbers(changes)} changed`, {key: "changed", every: BATCH_MS}); }
}

function changedNow({id, dataset}) {
  if (!("changed" in dataset)) { seenChanged.delete(id); return false; }
  if (seenChanged.has(id)) return false;
  seenChanged.add(id);
  return known.has(id);
}

function arrived(fresh) {
  if (!batch) {
    batch = [];
    ring("arrived");
    setTimeout(() => { batch = null; }, BATCH_MS);
  }
  batch.push(...fresh);
  const text = batch.length > 1 ? `${batch.length} new orders, oldest ${batch[0].dataset.number}` : `New order ${batch[0].dataset.number}`;
  levain.say(text, {key: "orders", every: BATCH_MS});
}

const numbers = (list) => list.map(({dataset}) => dataset.number).join(", ");

function mark(ticket) {
  ticket.dataset.localFresh = "";
  setTimeout(() => delete ticket.dataset.localFresh, FRESH_MS);
}

function back() { // what the silence kept from us is told in one sentence
  const came = away.filter(({isConnected}) => isConnected).length;
  away = null;
  const bar = document.getElementById("contact-bar");
  if (!came) return;
  const text = `${came} ${came === 1 ? "order" : "orders"} came while away`;
  bar.textContent = text;
  bar.dataset.kind = "back";
  bar.hidden = false;
  setTimeout(() => { if (bar.dataset.kind === "back") bar.hidden = true; }, 10000);
  levain.say(text, {key: "orders", every: 0});
  ring("arrived");
}

let timer = 0;
document.addEventListener("live:state", ({detail: {state}}) => {
  clearTimeout(timer);
  if (state === "stale") away ??= [];
  else if (away && (state === "live" || state === "polling")) timer = setTimeout(back, BATCH_MS);
});
afterLayout(look);
