// Read is what somebody can have read: at the end, in a tab that is seen and has the focus, for a second, and not away.
import {address, followsTheRoom, idOf, isMine, isNear, rows, scroll} from "./chat-view.js";

const SEEN_MS = 1000, LOOK_MS = 250, IDLE_MS = 5 * 60 * 1000;
let readTo = Number(scroll.dataset.read) || 0, held = false, active = performance.now(), asking = false;
let inView = []; // {id, since}

const looks = () => document.visibilityState === "visible" && document.hasFocus() && isNear() && performance.now() - active < IDLE_MS;

function look() {
  const last = rows().findLast((row) => !isMine(row)), now = performance.now();
  if (held || !looks() || !last) { inView = []; return; }
  const id = idOf(last);
  if (id > (inView.at(-1)?.id ?? readTo)) inView.push({id, since: now});
  const seen = inView.findLast(({since}) => now - since >= SEEN_MS);
  if (seen && !asking) tell(seen.id);
}

async function tell(id) {
  asking = true;
  try {
    const answer = await fetch(`${address}/read`, {method: "POST", body: new URLSearchParams({upto: id})});
    if (answer.ok) readTo = Math.max(readTo, id);
    inView = inView.filter((each) => each.id > readTo);
    if (answer.status === 429) held = true;
  } catch { /* no network: the next look tells again */ }
  asking = false;
}

export async function unreadFrom(id) { // and nothing counts as read until the room is left or something is said
  held = true;
  readTo = id - 1;
  inView = [];
  await fetch(`${address}/read`, {method: "POST", body: new URLSearchParams({back: id})}).catch(() => { /* it stays read */ });
}

export const resume = () => { held = false; };

export function start() {
  if (!followsTheRoom) return;
  for (const name of ["pointermove", "pointerdown", "keydown", "wheel", "focus"]) addEventListener(name, () => { active = performance.now(); }, {passive: true, capture: true});
  setInterval(look, LOOK_MS);
}
