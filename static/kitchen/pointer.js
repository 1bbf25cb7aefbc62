// A press belongs to the button it began on. The board may move under a finger: the bar about sound goes away at the
// first press, a ticket above leaves. A browser would then click what has come to lie there, or nothing.
const STILL_PX = 24; // a pointer that itself went further away has taken its press back
let began = null;

const buttonOf = (target) => target.closest?.(".bump,.tick") ?? null;

document.addEventListener("pointerdown", ({target, clientX, clientY}) => {
  began = {button: buttonOf(target), x: clientX, y: clientY};
}, true);
document.addEventListener("click", (event) => {
  if (!began || !event.detail) return; // by a key, or by the line below
  const {button, x, y} = began;
  began = null;
  if (buttonOf(event.target) === button || Math.hypot(event.clientX - x, event.clientY - y) > STILL_PX) return;
  event.preventDefault();
  event.stopPropagation();
  button?.click();
}, true);
