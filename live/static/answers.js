// What an answer means, and how long to wait before the next question.

const BASE_MS = 1000, CAP_MS = 4000; // full jitter between 0 and BASE * 2^failures, at most CAP

export const jitterMs = (failures) => 50 + Math.random() * Math.min(CAP_MS, BASE_MS * 2 ** failures);

export function retryAfterMs(response) { // what the server asks for, spread, or undefined
  const text = response.headers.get("Retry-After") || "";
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return ms > 0 ? ms * (1 + Math.random()) : undefined;
}

export const isStream = (response) =>
  response.status === 200 && (response.headers.get("Content-Type") ?? "").startsWith("text/event-stream");

// Our addresses never redirect, so whoever is sent elsewhere is asked to sign in there.
export function refusal(response) { // of an answer that is no stream: [what happened, options]
  if (response.status === 401 || (response.ok && response.redirected)) return ["unauthorised"];
  if (response.status === 403) return ["forbidden"];
  return ["lost", {retryMs: retryAfterMs(response)}];
}
