// The screen itself: awake, large enough, honest about its contact with the server, and on the newest version.
import {minutesAndSeconds} from "./ages.js";
import {soon, tickets} from "./pages.js";
import {keep, settings} from "./settings.js";
import {play} from "./sound.js";

const SIZES = ["S", "M", "L"], ALARM_S = 30;
const LOST = {
  "signed-out": "This screen is signed out. Orders do not come here any more.",
  denied: "This screen may not show the kitchen any more.",
};
const bar = document.getElementById("contact-bar"), awake = document.getElementById("awake"), build = document.getElementById("build");
let state = "connecting", lostAt = 0, alarmed = false, lock = null;

// -- size -----------------------------------------------------------------------------------------------

export function resize(by) {
  keep({size: SIZES[Math.min(2, Math.max(0, SIZES.indexOf(settings.size) + by))]});
  showSize();
}

function showSize() {
  document.documentElement.dataset.size = settings.size;
  soon();
}

// -- contact --------------------------------------------------------------------------------------------

function showContact() {
  if (state !== "stale" && !LOST[state]) return;
  const s = (performance.now() - lostAt) / 1000;
  bar.textContent = LOST[state] ?? `No contact for ${minutesAndSeconds(s)}. New orders may be missing; presses wait.`;
  bar.dataset.kind = "lost";
  bar.hidden = false;
  if (s < ALARM_S || alarmed) return;
  alarmed = true;
  play("alarm");
  document.getElementById("alarm").textContent = "No contact for 30 seconds. New orders may be missing.";
}

document.addEventListener("live:state", ({detail}) => {
  if (detail.state === "stale" && state !== "stale") lostAt = performance.now() - Math.max(0, Date.now() - detail.contact);
  if (LOST[detail.state] && !LOST[state]) lostAt = performance.now();
  state = detail.state;
  if ((state === "live" || state === "polling") && bar.dataset.kind === "lost") {
    bar.hidden = true;
    alarmed = false;
    document.getElementById("alarm").textContent = "";
  }
  showContact();
  soon();
});

// -- awake ----------------------------------------------------------------------------------------------

async function stayAwake() { // a lock is lost when the tab is hidden, and does not come back by itself
  if (document.hidden || (lock && !lock.released)) return;
  try {
    lock = await navigator.wakeLock.request("screen");
    lock.addEventListener("release", () => { showAwake(); stayAwake(); });
  } catch {
    lock = null; // no such thing here, or the battery is low
  }
  showAwake();
}

const showAwake = () => { awake.hidden = Boolean(lock && !lock.released); };

// -- a new version: never while an order is open, and never by a reload, which would silence the screen ---

let newer = false;
document.addEventListener("live:build", () => {
  newer = true;
  build.hidden = false;
});

function loadNewer() {
  if (newer && !tickets().length && (state === "live" || state === "polling")) location.assign(location.pathname);
}

setInterval(() => { showContact(); loadNewer(); stayAwake(); }, 1000);
document.addEventListener("visibilitychange", stayAwake);
stayAwake();
showSize();
