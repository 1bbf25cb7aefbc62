// Every press on the board, one after the other. Without contact it waits, says so on its ticket, and goes out in
// order when the contact is back. The page's own forms are sent: what a press means stands in them.
import {afterLayout, settled, shown, soon} from "./pages.js";
import {settings} from "./settings.js";

const PATIENCE_MS = 8000, WORD_MS = 400, AGAIN_MS = 2000;
const queue = [];
let busy = false, timer = 0;
const conflict = document.getElementById("conflict");

export function press(form) {
  const ticket = form.closest(".ticket"), kind = form.dataset.kitchen;
  if (ticket && (!settled(ticket) || queue.some((job) => job.ticket === ticket.id && job.kind === kind && job.url === form.action))) return;
  conflict.replaceChildren();
  const fields = new URLSearchParams(new FormData(form));
  if (settings.place) fields.set("place", settings.place);
  queue.push({kind, ticket: ticket?.id, number: ticket?.dataset.number, url: form.action, fields, at: performance.now()});
  show();
  setTimeout(show, WORD_MS + 10);
  work();
}

export function undo() { // what was not sent yet needs no server
  const unsent = queue.findLast(({kind, sent}) => kind === "move" && !sent);
  if (!unsent) return press(document.getElementById("undo"));
  queue.splice(queue.indexOf(unsent), 1);
  show();
}

function show() {
  const waiting = new Map(queue.filter(({ticket}) => ticket).map((job) => [job.ticket, job]));
  for (const ticket of shown()) {
    const job = waiting.get(ticket.id);
    if (!job) delete ticket.dataset.localWait;
    else ticket.dataset.localWait = performance.now() - job.at > WORD_MS ? "waiting" : "sent";
  }
}

async function work() {
  if (busy || !queue.length) return;
  busy = true;
  clearTimeout(timer);
  while (queue.length && await send(queue[0])) queue.shift();
  busy = false;
  show();
  if (queue.length) timer = setTimeout(work, AGAIN_MS);
}

async function send(job) { // false: nobody answered, so it stays where it is
  try {
    const again = job.sent ? "?again=1" : "";
    job.sent = true;
    const answer = await fetch(job.url + again, {method: "POST", body: job.fields, headers: {"HX-Request": "true"}, signal: AbortSignal.timeout(PATIENCE_MS)});
    if (answer.status >= 500 || answer.status === 429) throw new Error(`answered ${answer.status}`);
    await answered(job, answer);
    return true;
  } catch (error) {
    if (job.kind === "move" || job.kind === "tick") {
      levain.say(`Order ${job.number} is waiting for contact`, {key: "waiting"});
      return false;
    }
    levain.notice("No contact: this can't be taken back now."); // said twice, an undo would undo two steps
    return true;
  }
}

async function answered(job, answer) {
  const text = await answer.text();
  if (answer.status === 401) return location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
  if (!text.includes("<hx-partial")) return levain.notice("That did not work. Nothing was changed.");
  await htmx.swap({sourceElement: document.body, target: document.body, swap: "none swapEmpty:false", text});
  soon();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-kitchen]")) return;
  event.preventDefault();
  if (form.dataset.kitchen === "recall") document.getElementById("panel").close();
  press(form);
}, true);
document.addEventListener("live:state", ({detail: {state}}) => { if (state === "live" || state === "polling") work(); });
addEventListener("online", work);
afterLayout(show);
