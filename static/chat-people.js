// Who is here and who is typing, beside the log and never in it; and what is said aloud of what comes: once, and a
// burst as a number.
import {isMine, me, messages} from "./chat-view.js";

const SHOWN_MS = 6000, LATE_MS = 1500, MOST_NAMES = 3, TOGETHER_MS = 2000, SPOKEN_CHARS = 200, SEPARATELY = 3;
const people = document.getElementById("people"), line = document.getElementById("typing"), typists = new Map();
const spoke = new Map(); // who has just said something: what tells of their typing may come after it

function heard({detail}) {
  const {user, name} = JSON.parse(detail.data);
  if (String(user) === me || performance.now() - spoke.get(user) < LATE_MS) return;
  clearTimeout(typists.get(user)?.timer);
  typists.set(user, {name, timer: setTimeout(() => gone(user), SHOWN_MS)});
  show();
}

function gone(user) {
  clearTimeout(typists.get(user)?.timer);
  typists.delete(user);
  show();
}

function show() {
  const names = [...typists.values()].map(({name}) => name).sort();
  const many = names.length > MOST_NAMES ? "Several people" : new Intl.ListFormat("en").format(names);
  line.textContent = names.length ? `${many} ${names.length > 1 ? "are" : "is"} typing` : "";
}

let here = [];

function present({detail}) {
  here = JSON.parse(detail.data).map(String);
  showPresent();
}

function showPresent() {
  for (const person of people.children) {
    const is = here.includes(person.dataset.user), word = person.querySelector(".here-word"), text = is ? "here" : "";
    person.toggleAttribute("data-here", is);
    if (word.textContent !== text) word.textContent = text;
  }
  document.getElementById("here-count").textContent = here.length ? `${here.length} here` : "";
}

let unsaid = [], timer = 0;

function arrived({detail}) {
  for (const author of new Set(detail.rows.map((row) => Number(row.dataset.author)))) {
    spoke.set(author, performance.now());
    if (typists.has(author)) gone(author);
  }
  if (messages.hasAttribute("aria-busy") || document.documentElement.dataset.live === "catching-up") return;
  unsaid.push(...detail.rows.filter((row) => !isMine(row)).map(words));
  if (unsaid.length) timer ||= setTimeout(speak, TOGETHER_MS);
}

const words = (row) => `${row.querySelector(".by").textContent}: ${(row.querySelector(".body")?.textContent ?? "a picture").slice(0, SPOKEN_CHARS)}`;

function speak() { // what has been said is not said again with the next
  timer = 0;
  const {length} = unsaid, done = () => { unsaid = unsaid.slice(length); };
  levain.say(length > SEPARATELY ? `${length} new messages` : unsaid.join(". "), {key: "chat", done});
}

function edited(records) {
  const others = records.filter(({target, oldValue}) => target.matches(".message") && !isMine(target) && oldValue && target.dataset.version !== oldValue);
  if (others.some(({target}) => target.querySelector(".edited"))) levain.say("A message was edited", {key: "chat-edited"});
}

export function start() {
  if (line) document.addEventListener("live:chat-typing", heard);
  document.addEventListener("live:presence", present);
  new MutationObserver(showPresent).observe(people, {childList: true, subtree: true});
  document.addEventListener("chat:arrived", arrived);
  new MutationObserver(edited).observe(messages, {subtree: true, attributeFilter: ["data-version"], attributeOldValue: true});
}
