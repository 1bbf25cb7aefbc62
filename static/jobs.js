// Jobs on every page: the word when one of mine ends, and clocks that tick.
// Nothing here is needed to use the site without scripts; numbers and states come from the server.
(() => {
  "use strict";
  const ENDS = {done: "is finished", failed: "failed", cancelled: "was cancelled"};
  const SHAPES = {done: "✓", failed: "✕", cancelled: "○"};
  const SILENT_S = 6; // three signs of life missed
  const MAX_BYTES = 10_000_000;
  const ASKED = "levain-jobs-asked", ASKED_MOST = 50;
  const byId = (id) => document.getElementById(id);

  // -- the word when a job ends, wherever I am ---------------------------------------------------------

  document.addEventListener("live:job-ended", (event) => {
    const {id, title, state} = JSON.parse(event.detail.data);
    const path = `/jobs/${id}`, place = byId("jobs-news");
    if (!place || location.pathname === path) return; // its own page says it itself
    notify(id, state, title);
    const news = document.createElement("p");
    news.dataset.state = state;
    news.append(`${SHAPES[state]} ${title} ${id} ${ENDS[state]}. `, link(path, "Look at it"), button(news));
    place.append(news);
    while (place.childElementCount > 3) place.firstElementChild.remove();
    window.levain?.say(`${title} ${id} ${ENDS[state]}`, {key: `job-${id}`});
  });

  function link(href, text) {
    return Object.assign(document.createElement("a"), {href, textContent: text});
  }

  function button(news) {
    const close = Object.assign(document.createElement("button"), {type: "button", className: "quiet", textContent: "Close"});
    close.addEventListener("click", () => news.remove());
    return close;
  }

  // -- the same for the desktop, where somebody asked for it; once, however many pages are open --------

  const asked = () => JSON.parse(localStorage.getItem(ASKED) ?? "[]");
  const keep = (ids) => localStorage.setItem(ASKED, JSON.stringify(ids.slice(-ASKED_MOST)));
  const isAsked = (id) => asked().includes(String(id));
  const ask = (id) => keep([...asked(), String(id)]);
  const forget = (id) => keep(asked().filter((each) => each !== String(id)));

  function notify(id, state, title) {
    if (!isAsked(id)) return;
    forget(id);
    try {
      const shown = new Notification(`${SHAPES[state]} ${title} ${id} ${ENDS[state]}`, {tag: `job-${id}`});
      shown.addEventListener("click", () => { focus(); if (location.pathname !== `/jobs/${id}`) location.assign(`/jobs/${id}`); });
    } catch { // telephones show notifications of service workers only
    }
  }
  window.levainJobs = {ask, forget, isAsked, notify};

  // -- clocks, by the server's time --------------------------------------------------------------------

  const ahead = Date.now() - Date.parse(document.querySelector("meta[name=server-now]")?.content || new Date());
  const now = () => Date.now() - ahead;
  const span = (s) => `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
  const since = (moment) => Math.max(0, Math.round((now() - Date.parse(moment)) / 1000));

  function write(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  function tick() {
    document.querySelectorAll("[data-until][data-clock]").forEach((node) => write(node, span(Math.max(0, -Math.round((now() - Date.parse(node.dataset.until)) / 1000)))));
    document.querySelectorAll("[data-since][data-clock]").forEach((node) => write(node, span(since(node.dataset.since))));
    document.querySelectorAll("[data-beat]").forEach((node) => {
      const s = since(node.dataset.beat);
      node.hidden = s <= SILENT_S;
      write(node.querySelector("[data-clock]"), span(s));
      showLost(node.closest(".job"), !node.hidden);
    });
  }

  function showLost(job, isLost) { // whoever is silent is not called running
    const state = job.querySelector(".state");
    if ((state.dataset.state === "lost") === isLost) return;
    state.dataset.state = isLost ? "lost" : job.dataset.state;
    write(state, isLost ? "Worker lost" : state.dataset.word);
  }
  setInterval(tick, 1000);
  tick();

  // -- a file that is too large need not travel to be refused ------------------------------------------

  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field.type !== "file" || !field.closest(".start")) return;
    const large = field.files[0]?.size > MAX_BYTES;
    const sentence = large ? "This file is too large: 10 megabytes are the limit. Nothing was sent." : "";
    field.setCustomValidity(sentence);
    field.toggleAttribute("aria-invalid", large);
    write(byId(`${field.id}-problem`), sentence);
  });
})();
