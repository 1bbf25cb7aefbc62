// How long each order waits, in words and by the server's clock; a colour goes with each word.
import {serverNow} from "../clock.js";

const SOON_S = 360, LATE_S = 600;
const WORDS = {fresh: "Fresh", soon: "Soon", late: "Late"};

const spell = (s) => s < 60 ? "now" : s < 6000 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60}`;

export const secondsOf = (ticket) => Math.max(0, (serverNow() - Date.parse(ticket.querySelector("[data-since]").dataset.since)) / 1000);

export function minutesAndSeconds(s) {
  return `${Math.floor(s / 60)}:${String(Math.floor(s) % 60).padStart(2, "0")}`;
}

function show(ticket) {
  const s = secondsOf(ticket), age = s >= LATE_S ? "late" : s >= SOON_S ? "soon" : "fresh";
  const place = ticket.querySelector("[data-since]"), text = `${WORDS[age]} · ${spell(s)}`;
  if (place.textContent !== text) place.textContent = text;
  if (ticket.dataset.localAge !== age) ticket.dataset.localAge = age;
}

export const showAges = () => document.querySelectorAll(".ticket").forEach(show);

setInterval(showAges, 1000);
showAges();
