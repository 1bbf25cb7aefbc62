// One stream or poll answer, read and swapped by htmx's SSE extension. What must be done about htmx 4.0.1 for
// that is here and in swap.js, each with the row of its finding; an upgrade of htmx begins with this list.
//
// S1  A first connection is never retried, a refused one for ever, and a 204, a login page or a closed answer
//     is a loop without a pause (STACK 1.2 d, e; 2.2). So one element reads one answer: `reconnect` is off where
//     there is no hx-sse:connect, and live.js decides when to ask again, where, and from which position.
// S2  An event-stream type makes any status a good stream, any other answer is swapped into the page, errors
//     too (1.2 d; 2.2). So htmx is handed only what is a stream; for the rest its request ends like an aborted one.
// S3  The end of an old loop closes whatever connection its element has by then, and processing an element again
//     leaves a second reader (2.2, zombies). So each answer has an element of its own, which goes with it.
// S4  A second request waits behind one whose head is held back, a third is dropped (core, RequestQueue): same.
// S5  Two tabs with one address wait for each other in Chromium's cache (2.2): `no-store` on the request; the
//     signed list in the address differs from page to page as well.
// S6  The extension pauses in hidden tabs and wakes too late or never (1.2 g, j; 2.2): live.js does it for all transports.
// S7  A silent stream is never noticed, and its cursor is lost with its first reconnection (1.2 c, h; 2.2):
//     live.js watches beats and writes the position into every address.
// S8  A <title> in a message renames the page (2.2): `ignoreTitle`, here and in swap.js.
// S9  A message that cannot be swapped ends the stream and is skipped (2.2, poison): reported, and live.js repairs.
import {isStream, refusal} from "./answers.js";

const readers = new WeakMap();
const aborted = () => new DOMException("not for htmx", "AbortError");

export function readStream(home, url, reader) { // gives the function that ends it
  const element = document.createElement("div"), stop = new AbortController();
  home.append(element);
  readers.set(element, reader);
  const gone = () => element.remove();

  async function judged(address, request) {
    let response;
    try {
      response = await fetch(address, {...request, cache: "no-store", signal: stop.signal});
    } catch {
      gone();
      reader.ended("lost");
      throw aborted();
    }
    if (isStream(response)) return response;
    stop.abort(); // whatever its body is, nobody reads it
    gone();
    reader.ended(...refusal(response));
    throw aborted();
  }

  htmx.ajax("GET", url, {source: element, swap: "none ignoreTitle:true", fetch: judged});
  return () => stop.abort();
}

htmx.registerExtension("live-stream", {
  htmx_sse_before_message: (node, detail) => readers.get(node)?.before(detail),
  htmx_sse_after_message: (node, {message}) => { readers.get(node)?.after(message); },
  htmx_sse_error: (node) => { readers.get(node)?.failed(); },
  htmx_sse_close(node) { // its loop has ended: by the server, by us, or because the element is gone
    const reader = readers.get(node);
    if (!reader) return;
    readers.delete(node);
    node.remove();
    reader.ended("lost");
  },
});
