// Jobs on every page: the word when one of mine ends, clocks that tick, and the log that follows its end.
// Nothing here is needed to use the site without scripts; numbers and states come from the server.
(() => {
  "use strict";
  const ENDS = {done: "is finished", failed: "failed", cancelled: "was cancelled"};
  const SHAPES = {done: "✓", failed: "✕", cancelled: "○"};
  const SILENT_S = 6; // three signs of life missed
  const MAX_BYTES = 10_000_000;
  const AT_END_PX = 40;
  const byId = (id) => document.getElementById(id);

  // -- the word when a job ends, wherever I am ---------------------------------------------------------

  document.addEventListener("live:job-ended", (event) => {
    const {id, title, state} = JSON.parse(event.detail.data);
    const path = `/jobs/${id}`, place = byId("jobs-news");
    if (!place || location.pathname === path) return; // its own page says it itself
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

  // -- clocks, by the server's time --------------------------------------------------------------------

  const ahead = Date.now() - Date.parse(document.querySelector("meta[name=server-now]")?.content || new Date());
  const now = () => Date.now() - ahead;
  const span = (s) => `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
  const since = (moment) => Math.max(0, Math.round((now() - Date.parse(moment)) / 1000));

  function write(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  function tick() {
    document.querySelectorAll("[data-until]").forEach((node) => write(node, span(Math.max(0, -Math.round((now() - Date.parse(node.dataset.until)) / 1000)))));
    document.querySelectorAll("[data-since]").forEach((node) => write(node, span(since(node.dataset.since))));
    document.querySelectorAll("[data-beat]").forEach((node) => {
      const s = since(node.dataset.beat);
      node.hidden = s <= SILENT_S;
      write(node.querySelector("[data-clock]"), span(s));
    });
  }
  setInterval(tick, 1000);
  tick();

  // -- the log: it follows its end until somebody scrolls up -------------------------------------------

  const log = byId("job-log"), newest = document.querySelector(".to-newest");
  let following = true;

  function follow() {
    if (following) log.scrollTop = log.scrollHeight;
    newest.hidden = following;
  }
  if (log) {
    log.addEventListener("scroll", () => { following = log.scrollHeight - log.scrollTop - log.clientHeight < AT_END_PX; newest.hidden = following; });
    newest.addEventListener("click", () => { following = true; follow(); });
    new MutationObserver(follow).observe(log, {childList: true});
    follow();
  }

  // -- a file that is too large need not travel to be refused ------------------------------------------

  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field.type !== "file") return;
    const large = field.files[0]?.size > MAX_BYTES;
    const sentence = large ? "This file is too large: 10 megabytes are the limit. Nothing was sent." : "";
    field.setCustomValidity(sentence);
    field.toggleAttribute("aria-invalid", large);
    write(byId(`${field.id}-problem`), sentence);
  });
})();
