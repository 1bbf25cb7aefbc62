// What every page adds once scripts run: the state chip, the announcer, local times, amounts, theme.
// Nothing here is needed to use the site; nothing here talks to the server but the theme's own form.
(() => {
  "use strict";
  const ANNOUNCE_MS = 5000, DROP_MS = 10000;
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);

  // -- the announcer: one polite region, at a human pace, the newest text of each key ------------------

  const waiting = new Map();
  let lastSaid = -Infinity, timer = 0;

  function say(text, {key = text, every = ANNOUNCE_MS, done} = {}) {
    waiting.set(key, {text, done, at: performance.now()});
    timer ||= setTimeout(speak, Math.max(0, lastSaid + every - performance.now()));
  }

  function speak() {
    timer = 0;
    const now = performance.now();
    const said = [...waiting.values()].filter(({at}) => now - at < DROP_MS);
    waiting.clear();
    if (!said.length) return;
    lastSaid = now;
    byId("live-say").textContent = said.map(({text}) => text).join(". ");
    said.forEach(({done}) => done?.());
    setTimeout(() => { byId("live-say").textContent = ""; }, 1000); // so that an equal text is spoken again
  }

  // -- the state chip ----------------------------------------------------------------------------------

  const STATES = { // shape, word, what is said on coming from another state
    connecting: ["◌", "Connecting"],
    live: ["●", "Live", "Live again"],
    polling: ["◐", "Live, with a short delay", "Live with a short delay"],
    "catching-up": ["↻", "Catching up"],
    stale: ["◌", "No contact", "No contact. What you see may be old"],
    paused: ["❚❚", "Paused"],
    denied: ["✕", "No access any more", "You no longer have access to this page"],
    "signed-out": ["✕", "Signed out", "You are signed out"],
  };
  let shown, contact = 0;

  function showState({state, contact: heard}) {
    const chip = byId("live-chip"), words = STATES[state];
    contact = heard || contact || Date.now();
    if (!chip || !words || state === shown) return;
    const [shape, word, spoken] = words;
    chip.hidden = false;
    chip.dataset.state = state;
    chip.querySelector(".shape").textContent = shape;
    chip.querySelector(".word").textContent = word;
    showSilence();
    const settled = ["connecting", "catching-up"].includes(shown ?? "connecting") && !wasStale;
    if (spoken && !(settled && state === "live")) say(spoken, {key: "state"});
    wasStale = state === "stale" || (wasStale && state !== "live" && state !== "polling");
    shown = state;
    if (state === "live" || state === "polling") notice("");
    if (state === "signed-out") offerSignIn(chip);
  }
  let wasStale = false;

  function showSilence() {
    const place = byId("live-chip")?.querySelector(".time");
    if (!place) return;
    const s = Math.max(0, Math.floor((Date.now() - contact) / 1000));
    place.textContent = byId("live-chip").dataset.state === "stale" ? `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}` : "";
  }

  function offerSignIn(chip) {
    const link = document.createElement("a");
    link.href = `/login?next=${encodeURIComponent(location.pathname)}`;
    link.textContent = "Sign in";
    chip.append(link);
  }

  document.addEventListener("live:state", (event) => showState(event.detail));
  if (root.dataset.live) showState({state: root.dataset.live}); // live.js came first
  setInterval(showSilence, 1000);

  // -- times in the reader's zone; titles and words that the page itself carries ------------------------

  const CLOCK = {hour: "2-digit", minute: "2-digit"};
  const FORMS = {
    clock: new Intl.DateTimeFormat(undefined, CLOCK),
    day: new Intl.DateTimeFormat(undefined, {day: "numeric", month: "short", ...CLOCK}),
    year: new Intl.DateTimeFormat(undefined, {day: "numeric", month: "short", year: "numeric", ...CLOCK}),
    exact: new Intl.DateTimeFormat(undefined, {dateStyle: "medium", timeStyle: "long"}), // to the second, with its zone
  };

  function localTime(time) {
    const moment = new Date(time.dateTime), now = new Date();
    if (isNaN(moment)) return;
    const kind = time.dataset.time === "exact" ? "exact" : moment.toDateString() === now.toDateString() ? "clock"
      : moment.getFullYear() === now.getFullYear() ? "day" : "year";
    const text = FORMS[kind].format(moment);
    if (time.textContent !== text) time.textContent = text;
  }

  const spoken = new WeakMap();

  function read() {
    document.querySelectorAll("time[datetime]").forEach(localTime);
    const titled = document.querySelector("[data-title]");
    const title = titled && `${titled.dataset.title} · Levain`;
    if (title && document.title !== title) document.title = title;
    document.querySelectorAll("[data-say]").forEach((place) => {
      const text = place.textContent.trim(), before = spoken.get(place);
      spoken.set(place, text);
      if (before !== undefined && before !== text) say(text, {key: "page"});
    });
  }

  let reading = false;
  const later = () => { reading = false; read(); };
  new MutationObserver(() => { if (!reading) { reading = true; queueMicrotask(later); } })
    .observe(document.body, {childList: true, characterData: true, subtree: true, attributeFilter: ["data-title", "datetime"]});
  read();

  // What scripts note on an element (data-local-...) is not in the server's HTML; a morph would take it away.
  const OURS = ["aria-keyshortcuts", "aria-disabled"];
  htmx.registerExtension("site-local", {
    htmx_before_morph_attr: (node, {attrName}) => !(attrName.startsWith("data-local-") || OURS.includes(attrName)),
  });

  // -- amounts, menus, theme ---------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const step = event.target.closest?.("[data-step]"), field = step && byId(step.dataset.for);
    if (field) {
      const wanted = (Number(field.value) || 0) + Number(step.dataset.step);
      field.value = Math.min(Number(field.max), Math.max(Number(field.min), wanted));
      field.dispatchEvent(new Event("input", {bubbles: true}));
    }
    document.querySelectorAll("details.menu[open]").forEach((menu) => { menu.open = menu.contains(event.target); });
  });

  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  document.addEventListener("submit", async (event) => {
    const form = event.target, button = event.submitter;
    if (!form.matches(".theme") || !button) return;
    event.preventDefault(); // the same post, without loading the page anew: it may hold somebody's half-typed text
    const answer = await fetch(form.action, {method: "POST", body: new URLSearchParams(new FormData(form, button)), redirect: "manual"}).catch(() => null);
    if (!answer || answer.status >= 400) return notice("The choice of colours could not be kept. Please try again.");
    if (button.value === "auto") delete root.dataset.theme;
    else root.dataset.theme = button.value;
    for (const each of form.querySelectorAll("button")) each.setAttribute("aria-pressed", String(each === button));
  });

  // -- a form that was sent is sent once: a second click would be told that what has just worked cannot be done --------

  const ONCE_MS = 10000; // whoever stopped the page from loading may try again
  const sent = new WeakMap();

  addEventListener("submit", (event) => { // at the window: whoever sends a form in another way has said so by now
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (performance.now() - sent.get(form) < ONCE_MS) event.preventDefault();
    else sent.set(form, performance.now());
  });
  addEventListener("pageshow", ({persisted}) => { if (persisted) for (const form of document.forms) sent.delete(form); });

  // -- what went wrong with a form ---------------------------------------------------------------------

  function notice(text) { byId("notice").textContent = text; }

  // What the page asks by itself, again and again, neither takes away the word about what somebody did, nor makes one.
  const byItself = (element) => element?.closest("#live-connect") || element?.matches("[data-asks-itself]");

  document.addEventListener("htmx:before:request", ({detail}) => { if (!byItself(detail.ctx.sourceElement)) notice(""); });
  document.addEventListener("htmx:error", ({detail}) => {
    if (!byItself(detail.ctx?.sourceElement)) notice("The server could not be reached. Nothing was lost; please try again.");
  });
  document.addEventListener("htmx:response:error", (event) => {
    const {sourceElement, response, text} = event.detail.ctx;
    if (sourceElement.closest("#live-connect") || text?.includes("<hx-partial")) return;
    if (response.status === 401) return location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
    if (byItself(sourceElement)) return;
    const said = new DOMParser().parseFromString(text || "", "text/html").querySelector("#error")?.textContent;
    notice(said || "That did not work. Nothing was changed; please try again.");
  });

  window.levain = {say, notice};
})();
