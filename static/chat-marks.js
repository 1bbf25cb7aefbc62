// What a viewer sees beside the messages that are the same for all: days in their own zone, who wrote in one go,
// what is new to them, which are theirs. All of it is attributes and rules of style, so a morph never meets it.
import {idOf, isMine, me, messages, rows, scroll} from "./chat-view.js";

const TOGETHER_MS = 5 * 60 * 1000;
const OURS = ["data-mark", "data-new", "data-follows", "data-here", "aria-pressed"];
const DAY = new Intl.DateTimeFormat(undefined, {weekday: "long", day: "numeric", month: "long"});
const DAY_OF_YEAR = new Intl.DateTimeFormat(undefined, {dateStyle: "full"});
let firstNew = Number(scroll.dataset.firstNew) || 0;

const sheet = new CSSStyleSheet();
sheet.replaceSync(`.message[data-author="${CSS.escape(me)}"] { --row: var(--own); }
  .mention[data-user="${CSS.escape(me)}"] { background: var(--warn-solid); color: var(--on-warn-solid); }`);
document.adoptedStyleSheets.push(sheet);

htmx.registerExtension("chat-marks", {
  htmx_before_morph_attr(node, {attrName}) { if (OURS.includes(attrName) && node.closest(".messages, #people")) return false; },
});

function dayOf(moment) {
  const day = new Date(moment).setHours(0, 0, 0, 0), today = new Date().setHours(0, 0, 0, 0);
  if (day === today) return "Today";
  if (Math.round((today - day) / 86400000) === 1) return "Yesterday";
  return (moment.getFullYear() === new Date().getFullYear() ? DAY : DAY_OF_YEAR).format(moment);
}

function set(node, name, value) { // only what differs: each write is a mutation
  if (value === null ? node.hasAttribute(name) : node.getAttribute(name) !== value) {
    if (value === null) node.removeAttribute(name);
    else node.setAttribute(name, value);
  }
}

export function decorate() {
  let last, lastDay, lastAt;
  for (const row of rows()) {
    const at = new Date(row.querySelector("time").dateTime), day = dayOf(at);
    const isNew = idOf(row) === firstNew, words = [day === lastDay ? "" : day, isNew ? "New" : ""].filter(Boolean);
    set(row, "data-mark", words.length ? words.join(" · ") : null);
    set(row, "data-new", isNew ? "" : null);
    const follows = last && !words.length && last.dataset.author === row.dataset.author && at - lastAt < TOGETHER_MS;
    set(row, "data-follows", follows ? "" : null);
    for (const button of row.querySelectorAll(".reaction")) set(button, "aria-pressed", String(button.dataset.by.split(" ").includes(me)));
    [last, lastDay, lastAt] = [row, day, at];
  }
}

// What comes while nobody looks is new; the line stays until somebody looks away again.
let looked = true;
const looking = () => document.visibilityState === "visible" && document.hasFocus();

function arrived({detail}) {
  const others = detail.rows.filter((row) => !isMine(row));
  if (looking() || !others.length) return;
  if (looked) firstNew = idOf(others[0]);
  looked = false;
  decorate();
}

export function markFrom(id) {
  firstNew = id;
  decorate();
}

export function start() {
  document.addEventListener("chat:changed", decorate);
  document.addEventListener("chat:arrived", arrived);
  addEventListener("focus", () => { looked = true; });
  new MutationObserver(decorate).observe(messages, {subtree: true, attributeFilter: ["data-by", "data-version"]});
  setInterval(decorate, 60000); // midnight passes
}
