// One post with its answer put into the page: "" when it was taken, else the sentence that says why not.
import {messages} from "./chat-view.js";

const LOST = "The server could not be reached. Nothing was changed; please try again.";

export async function act(url, fields, use = swapIn) {
  const body = fields instanceof FormData ? fields : new URLSearchParams(fields);
  try {
    const answer = await fetch(url, {method: "POST", body, headers: {"HX-Request": "true"}});
    const text = await answer.text();
    if (answer.status === 401) { location.assign(`/login?next=${encodeURIComponent(location.pathname)}`); return "Please sign in first."; }
    if (!answer.ok) return new DOMParser().parseFromString(text, "text/html").body.textContent.trim() || "That did not work. Nothing was changed.";
    await use(text);
    return "";
  } catch {
    return LOST;
  }
}

function swapIn(text) { // an older row never replaces a newer one, so it may come before or after the same by the stream
  if (text) return htmx.swap({sourceElement: messages, target: messages, swap: "none swapEmpty:false", text});
}
