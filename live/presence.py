"""Who is here, as leases in Redis: first tab in, last tab out, over all transports and processes.

Each process holds one lease per topic and user, however many connections they have in it, and renews it. A
lease outlives a reload or a change of transport by a moment, a killed process by `LEASE_S`. Changes are
collected and said once, by the script that makes them, so that everybody hears the same in the same order.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import cast

from live.log import LATEST_KEPT_S, NO_REDIS, Log, new_uuid

TURN_S = 0.5  # changes within it are said together
LINGER_S = 2  # a reload or another transport is back by then; a closed tab is gone within 3 s
LEASE_S = 20  # a process that died is forgotten by then; a dead network within 45 s (TCP notices in 20)
RENEW_S = 5
logger = logging.getLogger("live")

Place = tuple[str, str]  # topic, user

# KEYS: leases (sorted set: "user process" by the ms at which it ends), what was said last, the newest value for
# pages that come later.  ARGV: channel, topic, lease in ms, process, kept in s, count of users here, here ..., gone ...
_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local here = tonumber(ARGV[6])
if type(redis.pcall('ZCARD', KEYS[1])) == 'table' then redis.call('DEL', KEYS[1]) end  -- somebody else's
for i = 7, #ARGV do
  local member = ARGV[i] .. ' ' .. ARGV[4]
  if i < 7 + here then redis.call('ZADD', KEYS[1], now + ARGV[3], member) else redis.call('ZREM', KEYS[1], member) end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('EXPIRE', KEYS[1], ARGV[5])
local users, seen = {}, {}
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local user = string.match(member, '^(.*) ')
  if not seen[user] then seen[user] = true; users[#users + 1] = user end
end
table.sort(users)
local said = #users == 0 and '[]' or cjson.encode(users)
if redis.pcall('GET', KEYS[2]) == said then return users end
redis.call('SET', KEYS[2], said, 'EX', ARGV[5])
local event = cjson.encode({topic = ARGV[2], data = said, name = 'live:presence', key = 'presence', at_ms = now})
redis.call('SET', KEYS[3], event, 'EX', ARGV[5])
redis.call('PUBLISH', ARGV[1], event)
return users
"""


class Presence:
    """The leases of one process; `here()` gives the places taken in it, of topics that have presence."""

    def __init__(
        self,
        log: Log,
        here: Callable[[], set[Place]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log, self._here, self._clock = log, here, clock
        self._noted: set[Place] = set()
        self._script = log.client.register_script(_SCRIPT)
        self._process = new_uuid()
        self._held: set[Place] = set()
        self._leaving: dict[Place, float] = {}
        self._renewed_at = -math.inf

    def note(self, topics: Iterable[str], user: str) -> None:
        """Somebody came to topics that have presence: a poll may have gone again before the next look."""
        self._noted |= {(topic, user) for topic in topics}

    def users(self, topic: str) -> list[str]:
        """The ids of the users who follow a topic now, as texts, sorted.

        Errors: redis.RedisError.
        """
        return self._say(topic, [], [], LEASE_S)

    def run(self, stopping: threading.Event) -> None:
        """Says what changed and renews the leases until it is told to stop; it may swallow what it logs: the next
        turn tries again. A process that ends leaves its leases for a moment: its readers are on their way to another.
        """
        while not stopping.wait(TURN_S):
            try:
                self.turn()
            except NO_REDIS as error:
                logger.warning("presence: %s", error)
        with suppress(*NO_REDIS):
            self._say_all({topic for topic, _ in self._held}, self._held, set(), 2 * RENEW_S)

    def turn(self) -> None:
        """One look at who came and who has been away for long enough."""
        now, noted, self._noted = self._clock(), self._noted, set()
        here = self._here() | noted
        self._leaving = {place: self._leaving.get(place, now + LINGER_S) for place in self._held - here}
        gone = {place for place, until in self._leaving.items() if until <= now}
        renew = now - self._renewed_at >= RENEW_S
        held = (self._held | here) - gone
        changed = gone | (held if renew else here - self._held)
        self._say_all({topic for topic, _ in changed}, held, gone, LEASE_S)
        self._held, self._renewed_at = held, now if renew else self._renewed_at

    def _say_all(self, topics: set[str], held: set[Place], gone: set[Place], lease_s: float) -> None:
        here, gone_from = _by_topic(held), _by_topic(gone)
        for topic in topics:
            self._say(topic, here.get(topic, []), gone_from.get(topic, []), lease_s)

    def _say(self, topic: str, here: list[str], gone: list[str], lease_s: float) -> list[str]:
        keys = [*self._log.presence_keys(topic), self._log.latest_key((topic, "", "presence"))]
        args: list[str | int] = [
            self._log.channel,
            topic,
            int(lease_s * 1000),
            self._process,
            LATEST_KEPT_S,
            len(here),
            *here,
            *gone,
        ]
        return cast(list[str], self._script(keys, args))


def _by_topic(places: set[Place]) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {}
    for topic, user in places:
        users.setdefault(topic, []).append(user)
    return users
