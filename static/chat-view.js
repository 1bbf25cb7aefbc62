// The list of messages: it follows its end only for whoever is there, and never moves what somebody reads.
const NEAR_PX = 100, LOAD_PX = 400, MAX_SHOWN = 300, MAX_WINDOW = 900;
const byId = (id) => document.getElementById(id);

export const chat = byId("chat"), scroll = byId("scroll"), messages = document.querySelector("#messages, #older"), composer = byId("composer");
export const me = document.querySelector('meta[name="user-id"]').content;
export const address = chat.dataset.roomUrl;
export const idOf = (node) => Number(node.dataset.sort);
export const isMine = (node) => node.dataset.author === me;
export const rows = () => [...messages.children].filter((node) => node.matches(".message"));

// Of others and of mine: my own comes with its answer, perhaps ahead of what somebody else has said before it.
const newest = [0, 0], kind = (row) => Number(isMine(row));
let near = true, unseen = 0, loading = false;
const toEnd = byId("to-end"), earlier = byId("earlier");

export const isNear = () => near;
export const followsTheRoom = Boolean(composer); // else a page of older messages: they change, none comes
const query = new URLSearchParams(location.search), end = query.get("before"); // where older ones end
let hasGrown = query.has("from");

export function down() {
  scroll.scrollTop = scroll.scrollHeight;
  near = followsTheRoom; // of older messages nothing is trimmed: they were asked for
  settle();
}

function settle() { // what depends on being at the end
  if (near) unseen = 0;
  if (toEnd) {
    toEnd.parentElement.hidden = near;
    toEnd.textContent = unseen ? `${unseen} new` : "To the newest";
  }
  if (near) trim();
  remember();
}

function trim() { // the far end goes; whoever scrolls up gets it back
  const extra = rows().slice(0, -MAX_SHOWN);
  if (!extra.length) return;
  extra.forEach((row) => row.remove());
  offerOlder(`${address}?before=${idOf(rows()[0])}`);
}

// The address says where the page begins, so that a repair or a reload brings this very piece of the history.
function remember() {
  const first = rows()[0], kept = first && (followsTheRoom ? !near && rows().length < MAX_WINDOW : hasGrown);
  const piece = [kept && `from=${idOf(first)}`, end && `before=${end}`].filter(Boolean).join("&");
  const wanted = piece ? `${address}?${piece}` : address;
  if (location.pathname + location.search !== wanted) history.replaceState(null, "", wanted + location.hash);
}

// -- older messages ----------------------------------------------------------------------------------

function offerOlder(href) {
  if (!href) { earlier.textContent = "This is where it begins."; return; }
  const link = document.createElement("a");
  link.href = href;
  link.textContent = "Older messages";
  earlier.replaceChildren(link);
}

async function loadOlder() {
  const link = earlier.querySelector("a");
  if (!link || loading || rows().length >= MAX_SHOWN || document.documentElement.dataset.live === "denied") return;
  loading = true;
  messages.setAttribute("aria-busy", "true"); // history is not news
  try {
    const answer = await fetch(link.href, {headers: {"Accept": "text/html"}});
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    await new Promise(requestAnimationFrame);
    prepend([...page.querySelectorAll(".messages > .message")].filter((row) => !byId(row.id)));
    offerOlder(page.querySelector("#earlier a")?.getAttribute("href"));
    remember();
  } catch { /* no network: the next scroll asks again */ } finally {
    messages.removeAttribute("aria-busy");
    loading = false;
  }
}

function prepend(older) {
  const place = rows().find((row) => row.getBoundingClientRect().bottom > scroll.getBoundingClientRect().top);
  const before = place?.getBoundingClientRect().top;
  messages.prepend(...older);
  hasGrown = true;
  document.dispatchEvent(new CustomEvent("chat:changed")); // separators take room, too
  if (place && !near) scroll.scrollTop += place.getBoundingClientRect().top - before;
}

// -- what comes ----------------------------------------------------------------------------------------

function changed(records) {
  const added = new Set(records.flatMap((record) => [...record.addedNodes]));
  const come = rows().filter((row) => idOf(row) > newest[kind(row)]);
  for (const row of come) newest[kind(row)] = idOf(row);
  const news = come.filter((row) => added.has(row));
  document.dispatchEvent(new CustomEvent("chat:changed"));
  if (news.length) document.dispatchEvent(new CustomEvent("chat:arrived", {detail: {rows: news}}));
  if (near) return down();
  unseen += news.filter((row) => !isMine(row)).length;
  settle();
}

function begin() {
  newest.fill(rows().length ? idOf(rows().at(-1)) : 0);
  document.dispatchEvent(new CustomEvent("chat:changed"));
  const named = location.hash.startsWith("#message-") && byId(location.hash.slice(1));
  const fresh = byId(`message-${scroll.dataset.firstNew}`);
  scroll.scrollTop = scroll.scrollHeight; // not yet there to stay: nothing is trimmed that was asked for
  if (named) named.scrollIntoView({block: "center"});
  else if (new URLSearchParams(location.search).has("from")) scroll.scrollTop = 0;
  else if (fresh) scroll.scrollTop = fresh.offsetTop - scroll.clientHeight / 4;
  measure();
}

function measure() {
  near = followsTheRoom && scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight <= NEAR_PX;
  settle();
  if (scroll.scrollTop < LOAD_PX && !near) loadOlder();
}

export function start() {
  begin();
  scroll.addEventListener("scroll", measure, {passive: true});
  toEnd?.addEventListener("click", () => { down(); composer.elements.text.focus(); });
  new MutationObserver(changed).observe(messages, {childList: true});
  const grown = new ResizeObserver(() => { if (near) down(); });
  for (const each of [messages, scroll, byId("pending")]) grown.observe(each);
}
