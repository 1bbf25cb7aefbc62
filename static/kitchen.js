// The kitchen's own: how long each order waits, by the server's clock, and a word when a new one comes.
(() => {
  "use strict";
  const SOON_S = 360, LATE_S = 600, ANNOUNCE_MS = 2000, FRESH_MS = 1500;
  const WORDS = {fresh: "", soon: "Soon · ", late: "Late · "};

  // The server's time when it answered, plus what has passed here since: the device's clock may be wrong.
  const served = Date.parse(document.querySelector('meta[name="server-now"]').content);
  const [navigation] = performance.getEntriesByType("navigation");
  const serverNow = () => served + performance.now() - navigation.responseStart;

  const spell = (s) => s < 60 ? "now" : s < 6000 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60}`;

  function showAge(place) {
    const s = Math.max(0, (serverNow() - Date.parse(place.dataset.since)) / 1000);
    const age = s >= LATE_S ? "late" : s >= SOON_S ? "soon" : "fresh";
    const text = WORDS[age] + spell(s), ticket = place.closest(".ticket");
    if (place.textContent !== text) place.textContent = text;
    if (ticket.dataset.age !== age) ticket.dataset.age = age;
  }

  function look() {
    document.querySelectorAll("[data-since]").forEach(showAge);
    const waiting = document.querySelectorAll("#column-new .ticket").length;
    const title = waiting ? `(${waiting}) Kitchen · Levain` : "Kitchen · Levain";
    if (document.title !== title) document.title = title;
  }

  // A morph would take away what this file writes, and show the clock for a moment.
  htmx.registerExtension("kitchen-ages", {
    htmx_before_morph_attr: (node, {attrName}) => !(attrName === "data-age" && node.matches(".ticket")),
  });

  const board = document.getElementById("board");
  new MutationObserver((records) => {
    look();
    for (const {addedNodes} of records) for (const node of addedNodes) if (node.matches?.(".ticket")) flash(node);
  }).observe(board, {childList: true, subtree: true});

  function flash(ticket) {
    ticket.classList.add("fresh");
    setTimeout(() => ticket.classList.remove("fresh"), FRESH_MS);
  }

  let arrived = [];
  document.addEventListener("live:order-placed", (event) => {
    arrived.push(JSON.parse(event.detail.data).number);
    const text = arrived.length > 1 ? `${arrived.length} new orders, oldest ${arrived[0]}` : `New order ${arrived[0]}`;
    levain.say(text, {key: "orders", every: ANNOUNCE_MS});
    setTimeout(() => { arrived = []; }, ANNOUNCE_MS);
  });

  document.addEventListener("htmx:before:request", () => { document.getElementById("conflict").replaceChildren(); });
  setInterval(look, 1000);
  look();
})();
