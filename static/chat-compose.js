// The field one writes in: Enter sends, a picture can come along, Up edits the last one, Esc gives the text back.
import {address, composer, followsTheRoom, isMine, rows} from "./chat-view.js";
import {draft, keepDraft, send} from "./chat-unsent.js";
import {act} from "./chat-net.js";
import {tellsOthers} from "./chat-typing.js";

const byId = (id) => document.getElementById(id);
const problem = byId("text-problem"), editing = byId("editing"), choice = byId("picture-choice");
const TYPING_EVERY_MS = 3000;
let edited = null, set_aside = "", picture = null, uploading = false, typedAt = 0;
const field = composer?.elements.text;

export function complain(reason) {
  problem.textContent = reason;
  if (reason) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

function submitted(event) {
  if (event.target !== composer) return;
  event.preventDefault();
  event.stopImmediatePropagation(); // this form is for pages without scripts; #sender goes in its place
  const text = field.value.trim();
  if (edited) return saveEdit(text);
  if (uploading) return complain("The picture is still on its way. One moment.");
  if (!text && !picture) return complain("Please write something first.");
  send(text, picture);
  clear();
}

function clear() {
  field.value = "";
  keepDraft("");
  complain("");
  choosePicture(null);
  typedAt = 0;
  field.focus();
}

// -- editing -------------------------------------------------------------------------------------------

export function edit(row) {
  if (!row || !isMine(row) || row.querySelector(".gone")) return;
  if (!edited) set_aside = field.value;
  edited = row;
  editing.hidden = false;
  field.value = row.querySelector(".body")?.textContent ?? "";
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}

function stopEditing() {
  edited = null;
  editing.hidden = true;
  field.value = set_aside;
  keepDraft(field.value);
  complain("");
  field.focus();
}

async function saveEdit(text) {
  const row = edited, refused = await act(`/chat/messages/${row.dataset.sort}`, {text});
  if (edited !== row) return;
  if (refused) return complain(refused);
  stopEditing();
}

export function reply(row) {
  const name = row.querySelector(".by").textContent;
  if (!field.value.startsWith(`@${name} `)) field.value = `@${name} ${field.value}`;
  keepDraft(field.value);
  field.focus();
}

// -- a picture -----------------------------------------------------------------------------------------

async function upload(file) {
  if (!file) return;
  uploading = true;
  complain("");
  byId("picture-preview").removeAttribute("src");
  choice.hidden = false;
  const body = new FormData();
  body.append("file", file);
  const refused = await act(`${address}/pictures`, body, (text) => choosePicture(JSON.parse(text)));
  uploading = false;
  composer.elements.file.value = "";
  if (!refused) return;
  choosePicture(null);
  complain(refused);
}

function choosePicture(chosen) {
  picture = chosen;
  choice.hidden = !chosen;
  if (chosen) byId("picture-preview").src = chosen.address;
  composer.elements.file.value = "";
}

// -- keys ----------------------------------------------------------------------------------------------

function keyed(event) { // touch screens send with the button
  if (event.isComposing) return;
  if (event.key === "Escape" && edited) { event.preventDefault(); return stopEditing(); }
  if (event.key === "ArrowUp" && !field.value && !edited) {
    event.preventDefault();
    return edit(rows().findLast((row) => isMine(row) && !row.querySelector(".gone")));
  }
  if (event.key !== "Enter" || event.shiftKey || matchMedia("(hover: none)").matches) return;
  event.preventDefault();
  composer.requestSubmit();
}

function typed() {
  if (edited) return;
  keepDraft(field.value);
  if (problem.textContent) complain("");
  if (!field.value.trim() || !tellsOthers() || Date.now() - typedAt < TYPING_EVERY_MS) return;
  typedAt = Date.now();
  fetch(`${address}/typing`, {method: "POST", keepalive: true}).catch(() => { /* worthless a second later */ });
}

export function start() {
  if (!followsTheRoom) return;
  addEventListener("submit", submitted, true); // at the window: ahead of everybody else's
  field.addEventListener("keydown", keyed);
  field.addEventListener("input", typed);
  field.value ||= draft();
  byId("edit-cancel").addEventListener("click", stopEditing);
  byId("picture-remove").addEventListener("click", () => { choosePicture(null); field.focus(); });
  composer.elements.file.addEventListener("change", (event) => upload(event.target.files[0]));
  field.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find(({type}) => type.startsWith("image/"));
    if (file) { event.preventDefault(); upload(file); }
  });
}
