// Tones made here, so that no file can be missing. A browser lets a page speak only after a key or a press; until
// then a bar says so, and what would have been heard is seen.
const MUTE_MS = 600000, REMIND_MS = 30000, REMINDERS = 5, FLASH_MS = 1500;
const TONES = { // [Hz, begins at, lasts] in seconds
  arrived: [[880, 0, 0.16], [1175, 0.18, 0.3]],
  changed: [[660, 0, 0.12], [660, 0.18, 0.12], [880, 0.36, 0.2]],
  alarm: [[440, 0, 0.35], [330, 0.4, 0.35], [440, 0.8, 0.35]],
  test: [[660, 0, 0.3]],
};
const bar = document.getElementById("sound-bar"), muted = document.getElementById("muted");
const context = new AudioContext();
let mutedUntil = 0, reminders = 0, timer = 0;

export const audible = () => context.state === "running";

export function play(name) {
  if (performance.now() < mutedUntil) return;
  if (!audible()) return flash();
  for (const [hertz, begin, length] of TONES[name]) {
    const tone = context.createOscillator(), volume = context.createGain(), at = context.currentTime + begin;
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.4, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + length);
    tone.connect(volume).connect(context.destination);
    tone.start(at);
    tone.stop(at + length + 0.05);
  }
}

function flash() { // once, and it stays: nothing here blinks
  document.body.dataset.localFlash = "";
  setTimeout(() => delete document.body.dataset.localFlash, FLASH_MS);
}

export function ring(name) { // and again until somebody shows that they heard it
  play(name);
  clearInterval(timer);
  reminders = 0;
  timer = setInterval(() => { if (++reminders > REMINDERS) clearInterval(timer); else play(name); }, REMIND_MS);
}

const heard = () => clearInterval(timer);

export function mute() {
  mutedUntil = performance.now() < mutedUntil ? 0 : performance.now() + MUTE_MS;
  showMuted();
}

function showMuted() {
  const s = Math.ceil((mutedUntil - performance.now()) / 1000);
  muted.hidden = s <= 0;
  if (s > 0) muted.textContent = `Muted ${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

const showBar = () => { bar.hidden = audible(); };

async function allowed(event) {
  heard();
  if (!audible() && event.key !== "Escape") await context.resume().catch(() => {});
  showBar();
}

context.addEventListener("statechange", showBar);
addEventListener("keydown", allowed, true);
addEventListener("pointerdown", allowed, true);
setInterval(showMuted, 1000);
showBar();
