// The guest's own: "later than promised" and closing time by the server's clock, and a card ready for the next choice.
import {serverNow} from "./clock.js";

const LOOK_MS = 10000;

function look() {
  document.querySelectorAll("[data-late-after]").forEach((order) => {
    const late = serverNow() > Date.parse(order.dataset.lateAfter);
    if (late && !order.hasAttribute("data-local-late")) {
      order.setAttribute("data-local-late", "");
      if (!order.matches(".is-late")) levain.say("Later than promised", {key: "late"});
    }
    if (!late) order.removeAttribute("data-local-late");
  });
}

function lookAtTheHours() { // a closing begins and ends by the clock: nobody announces it
  const hours = document.getElementById("hours");
  if (serverNow() > Date.parse(hours?.dataset.until)) htmx.trigger(hours, "hours");
}

document.addEventListener("htmx:after:request", ({detail: {ctx}}) => {
  const form = ctx?.sourceElement;
  if (!form?.matches?.("[data-fresh-after]") || !ctx.response?.raw?.ok) return;
  form.reset();
  form.querySelectorAll("details[open]").forEach((details) => { details.open = false; });
});

// -- a word to the kitchen that was not sent when the order moved on: its field goes, the words stay --------------

const unsent = document.getElementById("unsent");
let word = "", isGone = false, wasWriting = false;

function keepWord() {
  const note = document.getElementById("note");
  if (note && isGone && word) note.value = word; // taken back: it can be sent after all
  isGone = !note;
  const text = !note && word ? `${document.querySelector(".order h1").textContent} Not sent: “${word}”` : "";
  if (unsent.textContent !== text) unsent.textContent = text;
  if (text && wasWriting) unsent.focus();
}

if (unsent) {
  document.addEventListener("input", ({target}) => { if (target.id === "note") word = target.value.trim(); });
  document.addEventListener("htmx:after:request", ({target, detail}) => { if (target.matches(".note-form") && detail.ctx.response.raw.ok) word = ""; });
  htmx.registerExtension("order-note", {
    htmx_before_swap() { wasWriting = Boolean(document.activeElement?.closest(".note-form")); },
    htmx_after_swap: keepWord,
  });
}

// -- a question that comes under the finger is not answered by the press that was on its way -----------------------

const READ_MS = 600;
const question = () => document.getElementById("prices-problem") && document.getElementById("basket-shown").value;
let asked = question(), readableAt = 0;

function giveTimeToRead() { // after each swap: the button may be another
  const now = question();
  if (now && now !== asked) {
    readableAt = performance.now() + READ_MS;
    setTimeout(showTime, READ_MS + 10);
  }
  asked = now;
  showTime();
}

const tooEarly = () => performance.now() < readableAt;
const showTime = () => document.getElementById("place-order")?.setAttribute("aria-disabled", String(tooEarly()));

if (document.getElementById("basket")) {
  htmx.registerExtension("order-question", {htmx_after_swap: giveTimeToRead});
  document.addEventListener("submit", (event) => {
    if (!event.target.querySelector("#place-order") || !tooEarly()) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
}

// -- the page of a second device asks by itself ----------------------------------------------------------

const asks = ({target}) => target.matches("#order[data-asks-itself]");
let answered = new Date(), away = false;

function unanswered(event) { // said once, and shown until there is an answer
  if (!asks(event) || away) return;
  away = true;
  const text = `No answer since ${answered.toLocaleTimeString([], {timeStyle: "short"})}: what you see may be old. Trying every 15 s.`;
  document.getElementById("checking").textContent = text;
  levain.say(text, {key: "state"});
}

document.addEventListener("htmx:config:request", (event) => {
  if (asks(event) && event.target.querySelector(".order[data-state=done]")) event.preventDefault();
});
document.addEventListener("htmx:error", unanswered);
document.addEventListener("htmx:response:error", unanswered);
document.addEventListener("htmx:after:request", (event) => {
  if (!asks(event) || !event.detail.ctx.response.raw.ok) return;
  answered = new Date();
  away = false; // the answer brings the usual words
});

setInterval(() => { look(); lookAtTheHours(); }, LOOK_MS);
look();
