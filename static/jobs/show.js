// The page of one job: its log, which follows its end until somebody scrolls up, and the word for the desktop.
const AT_END_PX = 40;
const byId = (id) => document.getElementById(id);

// -- the log -----------------------------------------------------------------------------------------------

const log = byId("job-log"), toEnd = document.querySelector(".to-end");
const isPiece = "piece" in log.dataset; // older lines, which stay as they are
let following = !isPiece, unseen = 0;

const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < AT_END_PX;
const isBeingSelected = () => !getSelection().isCollapsed && log.contains(getSelection().anchorNode);
const linesIn = (notes) => notes.reduce((sum, note) => sum + Number(note.dataset?.lines ?? 0), 0);

function show() {
  if (following && !isBeingSelected()) log.scrollTop = log.scrollHeight;
  if (following) unseen = 0;
  toEnd.hidden = following || isPiece;
  toEnd.textContent = unseen ? `Jump to end (${unseen.toLocaleString()} new)` : "Jump to end";
}

// The page holds so many lines; what is older is a page of its own.
function trim() {
  const notes = [...log.children];
  let over = linesIn(notes) - Number(log.dataset.most);
  for (const note of notes) {
    if (over <= 0) break;
    over -= linesIn([note]);
    note.remove();
  }
  const first = log.firstElementChild;
  if (first !== notes[0]) olderLink().search = `?until=${first.dataset.sort - first.dataset.lines}`;
}

function olderLink() {
  const link = document.querySelector(".older") ?? Object.assign(document.createElement("a"), {className: "older", href: location.pathname, textContent: "Load older lines"});
  byId("log-piece").append(link);
  return link;
}

function grown(records) {
  const added = records.flatMap((record) => [...record.addedNodes]).filter((node) => node.isConnected);
  if (!following) unseen += linesIn(added);
  if (!isPiece) trim();
  show();
}

log.addEventListener("scroll", () => {
  const was = following;
  following = !isPiece && isAtEnd();
  if (following !== was) show();
});
toEnd.addEventListener("click", () => { following = true; getSelection().removeAllRanges(); show(); log.focus(); });
new MutationObserver(grown).observe(log, {childList: true});
show();

// -- the word for the desktop, where somebody asked for it ----------------------------------------------------

const tell = byId("job-tell"), button = tell.querySelector("button");
const job = () => document.querySelector(".job");
const isOver = () => ["done", "failed", "cancelled"].includes(job().dataset.state);

function showTell() {
  const {isAsked, notify} = window.levainJobs, id = tell.dataset.job;
  tell.hidden = isOver() || !("Notification" in window) || Notification.permission === "denied";
  button.setAttribute("aria-pressed", String(isAsked(id)));
  button.textContent = isAsked(id) ? "You will be notified when it ends" : "Notify me when it ends";
  if (isOver()) notify(id, job().dataset.state, job().querySelector("h1").textContent);
}

button.addEventListener("click", async () => {
  const {ask, forget, isAsked} = window.levainJobs, id = tell.dataset.job;
  if (isAsked(id)) forget(id);
  else if (await Notification.requestPermission() === "granted") ask(id);
  showTell();
});
new MutationObserver(showTell).observe(byId("job"), {childList: true, subtree: true, attributeFilter: ["data-state"]});
showTell();
