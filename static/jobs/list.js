// The list does not run away: while the pointer or the focus is in it, and two seconds longer, its rows stay where they
// are. What they say still changes; what came, left or would move is counted on a button, which shows it at once.
const HELD_MS = 2000, LOOK_MS = 250;
const region = () => document.getElementById("jobs");
const rowsOf = (node) => node.querySelector(".rows.jobs");
const points = matchMedia("(hover: hover)").matches; // a finger leaves no pointer behind
let insideAt = -Infinity, waiting = false, showNow = false;

function isInside() {
  const list = rowsOf(region());
  return Boolean(list) && ((points && list.matches(":hover")) || list.contains(document.activeElement));
}

function isHeld() {
  if (isInside()) insideAt = performance.now();
  return performance.now() - insideAt < HELD_MS;
}

document.addEventListener("pointerdown", (event) => {
  if (event.target.closest?.(".rows.jobs")) insideAt = performance.now();
});
for (const leaving of ["pointerout", "focusout"]) {
  document.addEventListener(leaving, (event) => {
    if (event.target.closest?.(".rows.jobs")) insideAt = performance.now();
  });
}
document.addEventListener("click", (event) => { if (event.target.closest?.(".changed")) show(); });
setInterval(() => { if (waiting && !isHeld()) show(); }, LOOK_MS);

function show() {
  waiting = false;
  showNow = true;
  htmx.ajax("GET", location.href, {source: region(), target: region(), select: "#jobs", swap: "outerMorph"}).finally(() => { showNow = false; });
}

// The fresh region with the rows that are shown, in their order.
function hold(fresh) {
  const shown = [...rowsOf(region()).children], list = rowsOf(fresh) ?? emptyList(fresh);
  const rows = new Map([...list.children].map((row) => [row.id, row]));
  const changed = changes(shown, rows, Number(region().dataset.perPage));
  if (!changed) return;
  waiting = true;
  list.replaceChildren(...shown.map((row) => rows.get(row.id) ?? left(row)));
  fresh.querySelector(".bulk")?.replaceWith(region().querySelector(".bulk").cloneNode(true)); // nor what stands above
  const button = fresh.querySelector(".changed");
  button.hidden = false;
  button.textContent = `${changed} changed - show`;
}

const numberOf = (id) => Number(id.replace(/\D/g, ""));

// How many came or left. Rows that newer ones have pushed beyond the end of a full page did not change.
function changes(shown, rows, perPage) {
  const ids = new Set(shown.map((row) => row.id));
  const came = [...rows.keys()].filter((id) => !ids.has(id));
  const oldest = rows.size < perPage ? 0 : Math.min(...[...rows.keys()].map(numberOf));
  const gone = [...ids].filter((id) => !rows.has(id) && numberOf(id) > oldest);
  const all = came.length + gone.length;
  return all && came.length === perPage ? `${all} or more` : all;
}

function emptyList(fresh) {
  const list = rowsOf(region()).cloneNode();
  fresh.querySelector(".empty").replaceWith(list);
  return list;
}

function left(row) {
  const old = row.cloneNode(true), state = old.querySelector(".state");
  state.dataset.state = "changed";
  state.textContent = "Changed";
  old.querySelector(".small-bar").replaceChildren();
  return old;
}

htmx.registerExtension("jobs-list", {
  htmx_before_swap(node, {tasks}) {
    const fresh = tasks.map((task) => task.fragment?.firstElementChild).find((element) => element?.id === "jobs");
    if (fresh && !showNow && rowsOf(region()) && isHeld()) hold(fresh);
  },
});
