// One WebSocket. Its envelopes go the same way as the messages of a stream, one after the other.
import {swap} from "./swap.js";

const CLOSED = {4401: "unauthorised", 4403: "forbidden"}; // close codes after which nobody comes back

export function readSocket(home, url, reader) { // gives the socket; `close()` ends it
  const socket = new WebSocket(url.replace(/^http/, "ws"));
  let chain = Promise.resolve();
  socket.onmessage = (event) => { chain = chain.then(() => receive(home, event.data, reader)).catch(reader.failed); };
  socket.onclose = (event) => { chain = chain.then(() => reader.ended(CLOSED[event.code] ?? "lost")); };
  return socket;
}

async function receive(home, text, reader) {
  const message = JSON.parse(text), waiting = [];
  const detail = {message, cancelled: false, waitUntil: (promise) => waiting.push(promise)};
  if (reader.before(detail) === false) return;
  await Promise.all(waiting);
  if (detail.cancelled) return;
  if (message.event) htmx.trigger(home, message.event, {data: message.data, id: message.id ?? ""});
  else await swap(home, message.data);
  reader.after(message);
}
