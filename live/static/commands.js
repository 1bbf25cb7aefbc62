// Commands over the WebSocket: a form that is sent by it, acknowledged, sent again after a drop, and sent by an
// ordinary post when the socket stays away. Its token is the same each time, so it takes effect once.

const ANSWER_MS = 3000, AGAIN_MS = 4000;
const MAX_WAITING = 100;
const waiting = new Map();
let openSocket = () => null;

function submitted(event) {
  const form = event.target, socket = openSocket();
  if (!form.matches?.("form[data-live-command]") || !socket || waiting.size >= MAX_WAITING) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const fields = Object.fromEntries(new FormData(form));
  const command = {form, fields, text: JSON.stringify({id: fields.token, do: form.dataset.liveCommand, fields})};
  waiting.set(fields.token, command);
  form.dispatchEvent(new CustomEvent("live:sent", {bubbles: true, detail: {id: fields.token, fields}}));
  socket.send(command.text);
  command.timer = setTimeout(() => post(fields.token), ANSWER_MS);
}

export const resend = (socket) => waiting.forEach((command) => socket.send(command.text));

async function post(id) { // no socket in time: the same form, the same token, the ordinary way
  const command = waiting.get(id);
  if (!command) return;
  command.timer = setTimeout(() => post(id), AGAIN_MS * (1 + Math.random()));
  try {
    const answer = await fetch(command.form.action, {method: "POST", body: new URLSearchParams(command.fields), headers: {"HX-Request": "true"}});
    if (answer.ok) answered(id);
    else if (answer.status < 500) answered(id, new DOMParser().parseFromString(await answer.text(), "text/html").body.textContent.trim() || "Refused.");
  } catch { /* no network; the timer asks again */ }
}

export function answered(id, error) {
  const command = waiting.get(id);
  if (!command) return;
  clearTimeout(command.timer);
  waiting.delete(id);
  const name = error ? "live:refused" : "live:acknowledged";
  command.form.dispatchEvent(new CustomEvent(name, {bubbles: true, detail: {id, reason: error, fields: command.fields}}));
}

export function watchForms(socket) { // `socket()` gives the open socket, or null
  openSocket = socket;
  document.addEventListener("submit", submitted, true);
}
