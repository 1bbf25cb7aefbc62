// Learning keys: press "Learn", then the key, the button of a bump bar or the pedal. Kept by this browser.
import {keep, settings} from "./settings.js";

const form = document.getElementById("screen-settings");
let learning = null;

function show() {
  for (const cell of document.querySelectorAll("[data-key-of]")) cell.textContent = settings.keys[cell.dataset.keyOf] || "as usual";
  for (const button of document.querySelectorAll("[data-learn]")) {
    const mine = button.dataset.learn === learning;
    button.textContent = mine ? "Press the key now" : "Learn";
    button.setAttribute("aria-pressed", String(mine));
  }
  form.place.value = settings.place;
  form.shortcuts.checked = settings.shortcuts;
  form.safe.checked = settings.safe;
}

document.addEventListener("click", ({target}) => {
  const button = target.closest("[data-learn]");
  if (!button && target.id !== "forget") return; // a click on a box comes before its change
  if (target.id === "forget") keep({keys: {}});
  learning = button && button.dataset.learn !== learning ? button.dataset.learn : null;
  show();
});

document.addEventListener("keydown", (event) => {
  if (!learning) return;
  event.preventDefault();
  if (event.key !== "Escape") {
    const key = event.code || event.key, others = Object.entries(settings.keys).filter(([, each]) => each !== key);
    keep({keys: {...Object.fromEntries(others), [learning]: key}}); // one key does one thing
    levain.say(`Learned: ${key}`);
  }
  learning = null;
  show();
});

form.addEventListener("input", () => {
  keep({place: form.place.value.trim(), shortcuts: form.shortcuts.checked, safe: form.safe.checked});
});
form.addEventListener("submit", (event) => event.preventDefault());
show();
