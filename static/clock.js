// The server's time on this page: what it said when it answered, plus what has passed here since. The device's own
// clock may be wrong, so it is never asked.
const AGAIN_MS = 600000, DRIFT_MS = 2000;

const served = Date.parse(document.querySelector('meta[name="server-now"]').content);
const [navigation] = performance.getEntriesByType("navigation");
let base = served - navigation.responseStart;

export const serverNow = () => base + performance.now();

async function ask() { // a device that slept, or whose page is a day old; also keeps the sign-in of a quiet screen
  const began = performance.now();
  const answer = await fetch(location.href, {method: "HEAD", cache: "no-store"}).catch(() => null);
  const said = Date.parse(answer?.headers.get("Date")); // whole seconds: half of one is the best guess
  const found = said + 500 - (began + performance.now()) / 2;
  if (!isNaN(found) && Math.abs(found - base) > DRIFT_MS) base = found;
}

let wasStale = false;
document.addEventListener("live:state", ({detail: {state}}) => {
  if (wasStale && (state === "live" || state === "polling")) ask();
  wasStale = state === "stale" || state === "paused" || (wasStale && state !== "live" && state !== "polling");
});
setInterval(ask, AGAIN_MS);
