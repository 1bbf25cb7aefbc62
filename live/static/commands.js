// Commands over the WebSocket: a form that is sent by it, acknowledged, sent again after a drop, and sent by an
// ordinary post when the socket stays away. Its token is the same each time, so it takes effect once.
import {retryAfterMs} from "./answers.js";

const ANSWER_MS = 3000, AGAIN_MS = 4000;
const MAX_WAITING = 100;
const MAX_ERRORS = 5; // so often may the server itself fail at it; the network may fail for ever
const NOT_NOW = new Set([408, 425, 429]);
const waiting = new Map();
let openSocket = () => null;

export const sending = () => waiting.size > 0;

function submitted(event) {
  const form = event.target, socket = openSocket();
  if (!form.matches?.("form[data-live-command]") || !socket || waiting.size >= MAX_WAITING) return;
  const fields = Object.fromEntries(new FormData(form, event.submitter)), id = fields.token;
  if (!id || Object.values(fields).some((value) => typeof value !== "string")) return; // no token, or a file: an ordinary post
  event.preventDefault();
  event.stopImmediatePropagation();
  const command = {form, fields, errors: 0, text: JSON.stringify({id, do: form.dataset.liveCommand, fields})};
  waiting.set(id, command);
  tell(command, "live:sent");
  send(socket, id, command);
}

function send(socket, id, command) {
  socket.send(command.text);
  postIn(ANSWER_MS, id, command);
}

export const resend = (socket) => waiting.forEach((command, id) => send(socket, id, command));

// -- the ordinary way ----------------------------------------------------------------------------------

function postIn(ms, id, command) {
  clearTimeout(command.timer);
  command.timer = setTimeout(post, ms, id);
}

function request({form, fields}, options) {
  const body = new URLSearchParams(fields);
  return fetch(form.getAttribute("action") || location.href, {method: "POST", body, headers: {"HX-Request": "true"}, ...options});
}

async function post(id) {
  const command = waiting.get(id);
  if (!command) return;
  const againMs = AGAIN_MS * (1 + Math.random());
  postIn(againMs, id, command); // no network, no answer: the timer asks again
  try {
    const answer = await request(command);
    if (answer.ok) return answered(id, {error: elsewhere(answer) ? "You are signed out." : ""});
    const error = sentence(await answer.text());
    const again = answer.status >= 500 || NOT_NOW.has(answer.status);
    answered(id, {error, again});
    if (again && waiting.has(id)) postIn(retryAfterMs(answer) ?? againMs, id, command);
  } catch { /* as if nothing had been sent */ }
}

const elsewhere = (answer) => answer.redirected && new URL(answer.url).pathname !== location.pathname;

function sentence(html) { // why it was refused, in the words of the answer
  const {body} = new DOMParser().parseFromString(html, "text/html");
  const said = body.querySelector("hx-partial, [role=alert], #error p") ?? body;
  return said.textContent.trim().slice(0, 300) || "Refused.";
}

// -- the answer ----------------------------------------------------------------------------------------

export function answered(id, {error, again}) { // `again`: it may go well the next time
  const command = waiting.get(id);
  if (!command || (again && ++command.errors < MAX_ERRORS)) return;
  clearTimeout(command.timer);
  waiting.delete(id);
  tell(command, error ? "live:refused" : "live:acknowledged", error);
}

const tell = ({form, fields}, name, reason) =>
  form.dispatchEvent(new CustomEvent(name, {bubbles: true, detail: {id: fields.token, reason, fields}}));

export function watchForms(socket) { // `socket()` gives the open socket, or null
  openSocket = socket;
  document.addEventListener("submit", submitted, true);
  addEventListener("pagehide", () => waiting.forEach((command) => { request(command, {keepalive: true}).catch(() => {}); }));
}
