// How true the page is, as one table: in which state what leads where. Anything not listed changes nothing.
//
//   open, answer       a stream or socket, or a poll, has told us that we hear everything
//   lost               the connection is gone, another is on its way
//   silent             too long without a word, or the server says that it is behind itself
//   repair             the history has a gap; the page is being fetched
//   hide, show         the tab let its connection go; it is looked at again
//   unauthorised, forbidden    there is nothing to wait for

const END = {unauthorised: "signed-out", forbidden: "denied"};

export const NEXT = {
  connecting: {open: "live", answer: "polling", silent: "stale", repair: "catching-up", hide: "paused", ...END},
  live: {answer: "polling", lost: "connecting", silent: "stale", repair: "catching-up", hide: "paused", ...END},
  polling: {open: "live", lost: "connecting", silent: "stale", repair: "catching-up", hide: "paused", ...END},
  "catching-up": {open: "live", answer: "polling", silent: "stale", hide: "paused", ...END},
  stale: {open: "live", answer: "polling", repair: "catching-up", hide: "paused", ...END},
  paused: {show: "connecting", ...END},
  "signed-out": {},
  denied: {},
};

export let state = "connecting";
let changed = () => {};

export const watchState = (listener) => { changed = listener; };
export const is = (...names) => names.includes(state);
export const isFinal = () => is("signed-out", "denied");

export function happen(what) {
  const next = NEXT[state][what];
  if (!next || next === state) return;
  state = next;
  changed();
}
