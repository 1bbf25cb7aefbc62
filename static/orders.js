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

setInterval(() => { look(); lookAtTheHours(); }, LOOK_MS);
look();
