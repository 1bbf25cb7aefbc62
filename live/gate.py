"""What every transport asks first: origin, identity, topics, limits. Positions are no permission."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from flask import Request
from werkzeug.exceptions import BadRequest, Forbidden, Unauthorized

from live.topics import MAX_TOPICS_PER_PAGE, TopicList, Topics

Everywhere = Callable[[Any], Iterable[str]]
_Version = tuple[str, Any, int]
MAX_FRAMES = 10_000  # remembered: of as many sessions as there may be connections


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a connection belongs to, as the site says it.

    Shape: `session_id` names a row that ends with the sign-out; `version` moves when a right changes;
    `user` is whatever the site's topic rules want to see.
    """

    session_id: str
    user_id: Any
    version: int
    user: Any

    @property
    def bare(self) -> "Identity":
        """What a connection keeps of it: no row of the site, which would stay in memory as long as the page is open."""
        return replace(self, user=None)


@dataclass(frozen=True)
class Admission:
    """Who may read which topics now, and which of the page's topics are no longer theirs."""

    identity: Identity
    topics: frozenset[str]
    denied: frozenset[str]


class Gate:
    """Asks the site's callables; the same questions for every transport.

    `everywhere` name topics that every page of a user follows; what they name needs no further rule. They are asked
    once for each session and version of its user: after an outage thousands come back at once. `lifetime()` is the
    epoch of the log: in another one the database may be yesterday's, and its versions may come again.
    """

    def __init__(
        self,
        topics: Topics,
        signer: TopicList,
        identify: Callable[[], Identity | None],
        everywhere: Iterable[Everywhere] = (),
        lifetime: Callable[[], str] = str,
    ) -> None:
        self.topics, self._signer, self.identify, self._everywhere = topics, signer, identify, everywhere
        self._lifetime = lifetime
        self._frames: OrderedDict[str, tuple[_Version, frozenset[str]]] = OrderedDict()
        self._lock = threading.Lock()

    def admit(self, request: Request) -> Admission:
        """Who asks, and what they may read.

        Errors: 403 for a foreign origin, a list not theirs or no topic allowed; 401 for nobody; 400 for no list.
        """
        if not same_origin(request):
            raise Forbidden("This address answers only to pages of this site.")
        identity = self.identify()
        if identity is None:
            raise Unauthorized("Please sign in.")
        signed = request.args.get("t")
        if not signed:
            raise BadRequest("The list of topics is missing.")
        topics = self._signer.read(signed, identity.session_id)
        if topics is None or len(topics) > MAX_TOPICS_PER_PAGE:
            raise Forbidden("This list of topics is not yours.")
        return self._admission(identity, topics)

    def allowed(self, identity: Identity, topics: Iterable[str]) -> frozenset[str]:
        """Those of the topics whose rule says yes now."""
        return frozenset(topic for topic in topics if self.topics.allows(identity.user, topic))

    def still_allowed(self, identity: Identity, topics: frozenset[str]) -> frozenset[str]:
        """Those of an open connection's topics that are still its user's: the frame's are not asked for one by one."""
        frame = self._frame(identity) & topics
        return frame | self.allowed(identity, topics - frame)

    def _admission(self, identity: Identity, topics: list[str]) -> Admission:
        allowed = self.allowed(identity, topics)
        if topics and not allowed:
            raise Forbidden("You may not follow this.")
        frame = self._frame(identity)
        return Admission(identity, allowed | frame, frozenset(topics) - allowed - frame)

    def _frame(self, identity: Identity) -> frozenset[str]:
        version = self._lifetime(), identity.user_id, identity.version
        with self._lock:
            known, frame = self._frames.pop(identity.session_id, (None, frozenset()))
        if known != version:
            frame = frozenset(topic for function in self._everywhere for topic in function(identity.user))
        with self._lock:
            self._frames[identity.session_id] = version, frame
            if len(self._frames) > MAX_FRAMES:
                self._frames.popitem(last=False)
        return frame


def same_origin(request: Request) -> bool:
    """Whether a request comes from a page of ours, as the browser says it.

    Source: Fetch Metadata, `Sec-Fetch-Site`; RFC 6455 section 10.2 for `Origin`. A client that sends neither
    is no browser, so nobody's cookies ride along; only a handshake must always name its origin.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Upgrade", "").lower() != "websocket"
    return origin == request.host_url.rstrip("/")
