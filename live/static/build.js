// Another build answers than the one this page is from: its scripts are old. `live:build` says so, and may be
// prevented; else the page loads itself anew, at a random time, and not while somebody is at something.

const LOOK_AGAIN_MS = 10000;
let known = null;

export function noteBuild(build, withinMs, isFree) {
  if (build === known) return;
  known = build;
  const event = new CustomEvent("live:build", {cancelable: true, detail: {build}});
  if (document.dispatchEvent(event)) setTimeout(reload, Math.random() * withinMs, withinMs, isFree);
}

function reload(withinMs, isFree) {
  if (isFree() && !busy()) location.reload();
  else setTimeout(reload, Math.min(LOOK_AGAIN_MS, withinMs), withinMs, isFree);
}

const busy = () => Boolean(document.querySelector("dialog[open], :popover-open, :fullscreen"))
  || document.activeElement?.matches("input, textarea, select, [contenteditable]")
  || [...document.querySelectorAll("input, textarea, select")].some(touched);

function touched(field) {
  if (["hidden", "submit", "button", "reset", "image"].includes(field.type)) return false;
  if (["checkbox", "radio"].includes(field.type)) return field.checked !== field.defaultChecked;
  if (field.type === "select-one") return field.selectedIndex !== Math.max(0, [...field.options].findLastIndex((option) => option.defaultSelected));
  if (field.type === "select-multiple") return [...field.options].some((option) => option.selected !== option.defaultSelected);
  return field.value !== field.defaultValue;
}
