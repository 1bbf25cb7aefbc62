// A room. Each part stands in a file of its own; this one starts them, and says when the room is closed to its reader.
import * as compose from "./chat-compose.js";
import * as marks from "./chat-marks.js";
import * as menu from "./chat-menu.js";
import * as people from "./chat-people.js";
import * as reading from "./chat-read.js";
import * as unsent from "./chat-unsent.js";
import * as view from "./chat-view.js";

function ended(event) {
  if (event.detail.state !== "denied") return;
  const said = document.getElementById("no-access").content.cloneNode(true);
  for (const gone of [view.messages, document.getElementById("people")]) gone.replaceChildren();
  view.scroll.replaceChildren(said, document.getElementById("pending"));
  document.querySelector("#rooms [aria-current]")?.closest("li").remove();
  if (view.composer) closeComposer();
  else document.querySelector(".conversation > .pager").remove();
  view.scroll.querySelector("a").focus();
}

function closeComposer() { // what was being written stays, to be copied
  view.composer.elements.text.readOnly = true;
  for (const button of view.composer.querySelectorAll("button, .attach, #file")) button.hidden = true;
}

function titled({detail}) {
  const name = view.chat.dataset.name;
  view.chat.dataset.title = detail.sum ? `(${detail.sum}) ${name}` : name;
}

for (const part of [marks, people, unsent, compose, menu, view, reading]) part.start();
view.chat.dataset.started = ""; // from here on it follows what happens
document.addEventListener("live:state", ended);
document.addEventListener("chat:unread", titled);
document.addEventListener("chat:arrived", ({detail}) => { if (detail.rows.some(view.isMine)) reading.resume(); });
document.addEventListener("chat:refused", ({detail}) => levain.say(`Not sent. ${detail.reason}`, {key: "refused"}));
