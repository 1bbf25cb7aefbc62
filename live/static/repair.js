// The page fetched again, and its regions morphed into what the server says now.
import {jitterMs, retryAfterMs} from "./answers.js";
import {swap} from "./swap.js";

const ANSWER_MS = 10000;
const LOST = {401: "unauthorised", 403: "forbidden", 404: "forbidden", 410: "forbidden"};

// Gives {end} where there is nothing to wait for, else the {position} and the {connect} element of the page shown.
export async function repaired(home, isOver, failed) {
  for (let tries = 0; !isOver(); tries++) {
    let fresh = {};
    try {
      fresh = await freshPage();
      if (fresh.doc) await morphRegions(home, fresh.doc);
      if (fresh.doc || fresh.end) return fresh;
    } catch (error) { // no network, or a region that cannot be morphed
      console.warn("repair:", error);
    }
    failed();
    await new Promise((resolve) => { setTimeout(resolve, fresh.retryMs ?? jitterMs(tries)); });
  }
  return {};
}

async function freshPage() {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const answer = await fetch(location.href, {cache: "no-store", signal, headers: {"Live-Repair": "1"}});
  const elsewhere = answer.redirected && new URL(answer.url).pathname !== location.pathname;
  if (elsewhere || answer.status in LOST) return {end: elsewhere ? "unauthorised" : LOST[answer.status]};
  const position = answer.headers.get("Live-Position"); // what has none does not come from our site
  if (!answer.ok || !position) return {retryMs: retryAfterMs(answer)};
  const doc = new DOMParser().parseFromString(await answer.text(), "text/html");
  const connect = doc.getElementById("live-connect"); // a page for everybody has one for those who are signed in
  return connect ? {doc, connect, position} : {end: "unauthorised"};
}

async function morphRegions(home, doc) {
  for (const region of document.querySelectorAll("[data-live-region]:not([data-live-region] *)")) {
    const fresh = doc.getElementById(region.id);
    if (fresh) await swap(home, asText(fresh), region, "outerMorph");
    else region.remove(); // the server shows it to this viewer no more
  }
}

// htmx rewrites every "<hx-" and cuts every "<head>" in the text it gets. Browsers that do not escape "<" inside
// attributes would give it those that somebody typed, and the quotation marks of its rewriting would end the attribute.
const asText = (node) => node.outerHTML.replace(/<(?=\/?hx-|head[\s>])/gi, "&lt;");
