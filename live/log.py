"""The log of a space in Redis: numbered events without holes, bounded; one script writes, one reads.

Redis is a cache of the history, never the truth. Each script first asks whether this is still the history
it was (log.lua); if not, it installs a new epoch, atomically, whoever comes first. DESIGN 4.2.
"""

import json
import secrets
import select
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple, cast
from uuid import uuid4

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from live.errors import HistoryLost, LeaseLost
from live.event import Event
from live.position import Position

REDIS_CONNECT_S = 1
REDIS_ANSWER_S = 2
REDIS_CONNECTIONS = 50  # of a process: whoever finds none free waits, as for an answer
LATEST_KEPT_S = 15 * 60
EPOCH, WAKE = "epoch", "wake"  # what is said on the channel beside volatile events
# No answer. redis-py has no word of its own for a connection that is closed while it writes, as a stopping hub does it.
NO_REDIS = (redis.RedisError, AttributeError)

_PRELUDE = files("live").joinpath("log.lua").read_text()

_HEAD = _PRELUDE + "local epoch, n = history() return {epoch, n}"

_RESET = _PRELUDE + "return {ARGV[1], renew(select(2, history()))}"

_CLAIM = _PRELUDE + "local epoch = history() return {epoch, redis.call('HSETNX', KEYS[2], 'claimed', '1')}"

# XADD first and everything else after it: a script does not roll back.
_PUBLISH = (
    _PRELUDE
    + """
if ARGV[5] ~= '' and redis.pcall('GET', KEYS[4]) ~= ARGV[5] then return {'lease', {}} end
local epoch, n = history()
if ARGV[6] ~= '' and epoch ~= ARGV[6] then return {epoch, 'epoch'} end
local numbers = {}
for i = 7, #ARGV, 2 do
  local known = redis.pcall('ZSCORE', KEYS[3], ARGV[i])
  if type(known) == 'table' then redis.call('DEL', KEYS[3]); known = false end
  if known then
    numbers[#numbers + 1] = tonumber(known)
  else
    n = n + 1
    local id = string.format('%d', n)
    redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[4], id .. '-0', 'epoch', epoch, 'event', ARGV[i + 1])
    redis.call('HSET', KEYS[2], 'n', id)
    redis.call('ZADD', KEYS[3], n, ARGV[i])
    numbers[#numbers + 1] = n
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', n - tonumber(ARGV[4]))
return {epoch, numbers}
"""
)

# KEYS: lease.  ARGV: token, ms.  A relay renews its own lease or takes one that nobody holds; a key that holds
# something else than a text is nobody's lease (SET replaces it).
_TAKE_LEASE = """
local holder = redis.pcall('GET', KEYS[1])
if type(holder) == 'string' and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_RELEASE_LEASE = "if redis.pcall('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


_Raw = tuple[str, dict[str, str]]  # an entry as redis-py gives it: stream id and fields


class Entry(NamedTuple):
    """One line of the log."""

    epoch: str
    n: int
    event: Event


def connect(url: str, answer_s: float = REDIS_ANSWER_S) -> "redis.Redis":
    """A client whose calls fail within `answer_s` seconds; a request never hangs on Redis."""
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=REDIS_CONNECTIONS,
        timeout=answer_s,
        socket_timeout=answer_s,
        socket_connect_timeout=REDIS_CONNECT_S,
        decode_responses=True,
        # Once more after a connection that had gone stale in the pool; a time-out is not repeated.
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )
    pool.connection_class = type("Connection", (_Glance, pool.connection_class), {})
    return redis.Redis.from_pool(pool)


class _Glance:
    """Before each command the pool asks whether the connection was closed meanwhile. Under gevent that question makes
    watchers and lets the whole loop run; the look of the operating system takes two microseconds."""

    _sock: Any

    def can_read(self, timeout: float = 0) -> bool:
        if timeout == 0 and self._sock and not _readable(self._sock.fileno()):
            return False
        return bool(super().can_read(timeout))  # type: ignore[misc]


@cache
def _poll() -> Any:
    patched = sys.modules.get("gevent.monkey")
    return patched.get_original("select", "poll") if patched else select.poll


def _readable(fd: int) -> bool:
    glance = _poll()()
    glance.register(fd, select.POLLIN)
    return bool(glance.poll(0))


class Log:
    """The log of one space.

    Errors: every method may raise redis.RedisError.
    """

    def __init__(self, client: "redis.Redis", space: str, max_events: int) -> None:
        self.client, self.max_events = client, max_events
        self.key = f"live:{{{space}}}:log"  # the braces keep a space's keys on one shard of a cluster
        self.channel = f"live:{{{space}}}:channel"
        self._latest = f"live:{{{space}}}:latest:"
        self.lease_key = f"live:{{{space}}}:relay"
        self._keys = [self.key, f"live:{{{space}}}:meta", f"live:{{{space}}}:seen"]
        self._head, self._reset = client.register_script(_HEAD), client.register_script(_RESET)
        self._claim = client.register_script(_CLAIM)
        self._publish = client.register_script(_PUBLISH)
        self._reading: redis.Redis | None = None
        self._take_lease, self._release_lease = (
            client.register_script(text) for text in (_TAKE_LEASE, _RELEASE_LEASE)
        )

    def head(self, known: int = 0) -> Position:
        """The newest position, in a new epoch if the history was lost; `known` is the newest number seen."""
        epoch, n = self._run(self._head, self._keys, [new_epoch(), self.channel, known])
        return Position(epoch, n)

    def reset(self) -> Position:
        """Begins a new epoch, so that every page resyncs: after a restore of the database, or a gap nobody can fill."""
        epoch, n = self._run(self._reset, self._keys, [new_epoch(), self.channel, 0])
        return Position(epoch, n)

    def claim(self) -> tuple[str, bool]:
        """The epoch in which a relay is about to send, and whether none has sent in it before."""
        epoch, first = self._run(self._claim, self._keys, [new_epoch(), self.channel, 0])
        return epoch, bool(first)

    def publish(
        self, rows: Sequence[tuple[str, Event]], known: int = 0, *, token: str = "", epoch: str = ""
    ) -> tuple[str, list[int]]:
        """Numbers and stores events, each under a UUID; one stored before keeps its number.

        Shape: the epoch and one number per row.
        Errors: LeaseLost when `token` is given and does not hold the lease; HistoryLost when `epoch` is given and over.
        """
        args: list[Any] = [new_epoch(), self.channel, known, self.max_events, token, epoch]
        for uuid, event in rows:
            args += [uuid, event.dump()]
        found, numbers = self._run(self._publish, [*self._keys, self.lease_key], args)
        if found == "lease":
            raise LeaseLost("another relay holds the lease")
        if numbers == "epoch":
            raise HistoryLost(found)
        return found, numbers

    def take_lease(self, token: str, life_s: float) -> bool:
        """Renews the relay's lease, or takes it when nobody holds it."""
        return bool(self._run(self._take_lease, [self.lease_key], [token, int(life_s * 1000)]))

    def release_lease(self, token: str) -> None:
        """Lets another relay begin at once; without Redis the lease ends by itself."""
        with suppress(redis.RedisError):
            self._release_lease([self.lease_key], [token])

    def _run(self, script: Any, keys: list[str], args: list[Any]) -> Any:
        """A script's answer. A server that has become a replica is left: the address may lead to another one by now."""
        try:
            return script(keys, args)
        except redis.ResponseError as error:
            if "READONLY" in str(error):
                self.client.connection_pool.disconnect()
            raise

    def throws_away(self) -> bool:
        """Whether Redis makes room by removing keys that have no time to live, the history and queues among them."""
        memory = self.client.info("memory")
        return bool(memory["maxmemory"]) and str(memory["maxmemory_policy"]).startswith("allkeys")

    def wake_relay(self) -> None:
        """Tells the relay, wherever it is, that there is something to send."""
        self.client.publish(self.channel, WAKE)

    def load(self) -> list[Entry]:
        """All entries kept, oldest first."""
        return [_entry(raw) for raw in cast(list[_Raw], self.client.xrange(self.key))]

    def read(self, after: int, block_ms: int) -> list[Entry]:
        """The entries after a number; waits up to `block_ms` for one, then answers with none."""
        # A connection of its own: one loop asks, again and again, and need not borrow one each time.
        self._reading = self._reading or self.client.client()  # type: ignore[no-untyped-call]
        answer = cast(Any, self._reading.xread({self.key: f"{after}-0"}, block=block_ms)) or []
        streams = answer.items() if isinstance(answer, dict) else answer
        return [_entry(raw) for _key, entries in streams for raw in entries]

    def publish_volatile(self, event: Event) -> None:
        """Sends what is worthless a second later: no number, no history; the newest of a key is kept."""
        text = event.dump()
        with self.client.pipeline(transaction=False) as pipe:
            if event.slot:
                pipe.set(self.latest_key(event.slot), text, ex=LATEST_KEPT_S)
            pipe.publish(self.channel, text)
            pipe.execute()

    def latest_key(self, slot: tuple[str, str, str]) -> str:
        """Where the newest volatile event of a slot is kept."""
        return self._latest + json.dumps(slot)

    def presence_keys(self, topic: str) -> list[str]:
        """Where the leases of a topic are kept, and what was said of them last."""
        return [self._latest.replace(":latest:", f":{name}:") + topic for name in ("here", "said")]

    def latest(self) -> list[Event]:
        """The newest volatile event of each key that is still worth showing."""
        keys = list(self.client.scan_iter(_glob(self._latest) + "*", count=500))
        texts = cast(list[str | None], self.client.mget(keys) if keys else [])
        return [Event.load(text) for text in texts if text]


def new_epoch() -> str:
    return secrets.token_hex(6)


def new_uuid() -> str:
    return uuid4().hex


def _entry(raw: _Raw) -> Entry:
    stream_id, fields = raw
    try:
        event = Event.load(fields["event"])
    except (KeyError, ValueError, TypeError):
        event = Event("", "")  # somebody else wrote it: an event for nobody, and no hole
    return Entry(fields.get("epoch", ""), int(stream_id.partition("-")[0]), event)


def _glob(text: str) -> str:
    return text.replace("{", "\\{").replace("}", "\\}").replace("[", "\\[")
