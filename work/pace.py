"""How fast a job is and how long it will still take, said only where that is honest (UX J3). Pure arithmetic."""

from collections import deque

FIRST_S = 10  # nothing is said before
FIRST_PART = 0.05
WINDOWS_S = (4, 20)  # a job that has become slower shows it in the short one first
STEADY = 2.0  # where one guess is longer than another by that, there is no guess


class Pace:
    """Fed with what a job reports, on a clock that never jumps."""

    def __init__(self, now):
        self._started, self._seen = now, deque()
        self.percent = 0

    def at(self, now, done, total):
        """{"rate", and "low_s", "high_s" once they can be known}; `percent` is then up to date and never falls."""
        if total:
            self.percent = max(self.percent, min(100, int(100 * done / total)))
        self._remember(now, done)
        elapsed = now - self._started
        said = {"rate": round(self._rate(now, done, WINDOWS_S[-1]), 1)}
        if total and elapsed >= FIRST_S and done / total >= FIRST_PART:
            said |= self._left(now, done, total, elapsed)
        return said

    def _remember(self, now, done):
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > WINDOWS_S[-1]:
            self._seen.popleft()

    def _rate(self, now, done, window_s):
        then, before = next(seen for seen in self._seen if now - seen[0] <= window_s)
        span, made = (now - then, done - before) if now > then else (now - self._started, done)
        return max(0, made) / span if span > 0 else 0

    def _left(self, now, done, total, elapsed):
        rates = [done / elapsed, *(self._rate(now, done, window) for window in WINDOWS_S)]
        if min(rates) * STEADY < max(rates) or not min(rates):
            return {}
        guesses = sorted((total - done) / rate for rate in rates)
        return {"low_s": _round(guesses[0] * 0.9), "high_s": _round(guesses[-1] * 1.1 + 1)}


def _round(seconds):
    """Exact to five seconds below a minute, to a quarter of a minute below an hour: nobody believes more."""
    step = 5 if seconds < 60 else 15 if seconds < 3600 else 300
    return int(step * max(1, round(seconds / step)))
