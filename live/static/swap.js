// How a fragment enters the page: an upsert finds its place, an older row never replaces a newer one, and what
// somebody has open, typed or focused stays as it is. It works on every swap of the page, not only on live ones.
//
// What must be done about htmx 4.0.1 here, each with its finding (stream.js has the rest):
// W1  hx-upsert replaces an existing row, with focus, ticks and text, and never moves it (UX 2.2): `live-upsert`.
// W2  A morph closes details and dialogs, a modal one leaves the page inert, and resets aria-expanded (UX 2.2).
// W3  A morph overwrites what was typed and left (UX 2.2).
// W4  Without `moveBefore` a morph that moves the focused row loses the focus (UX 2.2); so does its removal.
// W5  A <title> in a fragment renames the page, also with hx-swap="none" (STACK 2.2): `ignoreTitle`.

const version = (node) => Number(node?.dataset?.version ?? NaN);

function prepare(task) { // false: the page has something newer already
  const fresh = task.fragment?.firstElementChild;
  if (!fresh?.id || !["live-upsert", "outerMorph"].includes(task.swapSpec?.style)) return true;
  const old = document.getElementById(fresh.id);
  if (old && version(fresh) < version(old)) return false;
  if (task.swapSpec.style === "live-upsert") upsert(task, fresh, old);
  return true;
}

function upsert(task, fresh, old) {
  const list = task.target, next = list && [...list.children].find((row) => row !== old && sorted(fresh, row) < 0);
  if (old) {
    if (list && (old.parentNode !== list || misplaced(fresh, old))) move(list, old, next ?? null);
    task.target = old;
    task.swapSpec.style = "outerMorph";
  } else {
    if (next) task.target = next;
    task.swapSpec.style = next ? "beforebegin" : "beforeend";
  }
}

function misplaced(fresh, old) {
  const {previousElementSibling: before, nextElementSibling: after} = old;
  return (before && sorted(before, fresh) > 0) || (after && sorted(fresh, after) > 0);
}

function sorted(a, b) {
  const [x, y] = [a.dataset.sort, b.dataset.sort];
  if (x === undefined || y === undefined) return 0;
  return x === y ? 0 : isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
}

function move(list, row, next) {
  if (list.moveBefore && row.isConnected) list.moveBefore(row, next);
  else list.insertBefore(row, next); // takes the focus away; it is given back below
}

// Whoever had the focus in a row that goes: the next row, else the one before, else the region itself.
const CONTROLS = "button,a[href],input:not([type=hidden]),select,textarea,[tabindex]";
let focus = null;

function noteFocus() {
  const active = document.activeElement, region = active?.closest("[data-live-region]"), heirs = [];
  for (let node = active; region && node !== region; node = node.parentElement) {
    const rows = [...node.parentElement.children], at = rows.indexOf(node);
    heirs.push(...rows.slice(at + 1), ...rows.slice(0, at).reverse());
  }
  focus = region && {active, heirs, region, start: active.selectionStart, end: active.selectionEnd};
}

function passFocus() {
  if (!focus || (document.activeElement && document.activeElement !== document.body)) return; // it is where it was, or somewhere on purpose
  if (focus.active.isConnected) return giveBack(focus);
  const control = focus.heirs.filter((row) => row.isConnected)
    .map((row) => (row.matches(CONTROLS) ? row : row.querySelector(CONTROLS))).find(Boolean);
  if (!control) focus.region.tabIndex = -1;
  (control ?? focus.region).focus({preventScroll: true});
}

function giveBack({active, start, end}) {
  active.focus({preventScroll: true});
  if (typeof start === "number") active.setSelectionRange(start, end);
}

htmx.registerExtension("live-swap", {
  htmx_before_swap(node, {ctx, tasks}) {
    noteFocus();
    if (ctx.isTruth) return; // a repair: whatever the versions say, this is what the server has
    tasks.splice(0, tasks.length, ...tasks.filter(prepare));
  },
  htmx_after_swap: passFocus,
  // A morph would close what somebody opened, and overwrite what somebody typed and left (UX 2.2).
  htmx_before_morph_attr(node, {attrName}) {
    if (attrName === "open" && node.matches("details,dialog")) return false;
    if (attrName === "aria-expanded") return false;
    if (attrName === "value" && node.matches("input") && node.value !== node.defaultValue) return false;
  },
  htmx_before_morph_node(node, {oldNode}) {
    if (oldNode.nodeName === "TEXTAREA" && oldNode.value !== oldNode.defaultValue) return false;
  },
});

export const swap = (el, text, target = el, style = "none") =>
  htmx.swap({sourceElement: el, target, swap: `${style} swapEmpty:false ignoreTitle:true`, text, isTruth: target !== el});
