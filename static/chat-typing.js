// Whether others are told when somebody types in this browser: a switch in each room, and on the page of its people.
const KEPT = "levain-chat-types-quietly";
const box = document.getElementById("show-typing");

const isKept = () => { try { return localStorage.getItem(KEPT) !== null; } catch { return false; } };

function keep() { // a browser may refuse to; then it holds for this page
  try {
    if (box.checked) localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, "");
  } catch { /* full or forbidden */ }
}

export const tellsOthers = () => box.checked;

if (box) {
  box.checked = !isKept();
  box.addEventListener("change", keep);
  box.closest(".setting").hidden = false;
}
