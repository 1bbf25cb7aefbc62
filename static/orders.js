// The guest's own: "later than promised" by the server's clock, and a card that is ready for the next choice.
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

document.addEventListener("htmx:after:request", ({detail: {ctx}}) => {
  const form = ctx?.sourceElement;
  if (!form?.matches?.("[data-fresh-after]") || !ctx.response?.raw?.ok) return;
  form.reset();
  form.querySelectorAll("details[open]").forEach((details) => { details.open = false; });
});

setInterval(look, LOOK_MS);
look();
