"""Which topics there are, who may read them, and the signed list a page carries.

A topic without a rule is refused. Patterns use werkzeug's converters: `chat:room:<int:room_id>`.
"""

import re
import secrets
from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from typing import Any

from itsdangerous import BadSignature, Signer, URLSafeSerializer
from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, Rule

from live.errors import BadTopic

MAX_TOPIC_CHARS = 200
MAX_TOPICS_PER_PAGE = 50  # FAULTS 3.6
_FORM = re.compile(r"[a-z][a-z0-9_-]*(:[A-Za-z0-9_.-]+)+", re.ASCII)

TopicRule = Callable[..., bool]


class Topics:
    """The rules by pattern."""

    def __init__(self) -> None:
        self._map = Map()
        self._rules: dict[str, TopicRule] = {}
        self._with_presence: set[str] = set()
        self._rates: dict[str, float] = {}
        # A connection is asked three questions about each of its topics, one after the other.
        self._match = lru_cache(maxsize=256)(self._found)

    def add(
        self, pattern: str, rule: TopicRule, *, presence: bool = False, max_per_second: float | None = None
    ) -> None:
        """Registers who may read the topics of a pattern, whether it is told who reads them, and how often.

        Errors: BadTopic when the pattern has a rule already.
        """
        if pattern in self._rules:
            raise BadTopic(f"{pattern} has a rule already")
        self._rules[pattern] = rule
        self._match.cache_clear()
        if max_per_second is not None:
            self._rates[pattern] = max_per_second
        if presence:
            self._with_presence.add(pattern)
        # A topic is matched as one path segment each, which is what werkzeug's converters are made for.
        self._map.add(Rule(_as_path(pattern), endpoint=pattern))

    def allows(self, user: Any, topic: str) -> bool:
        """Whether the rule of the topic says yes; no rule, no access."""
        found = self._match(topic)
        return found is not None and bool(self._rules[found[0]](user, **found[1]))

    def has_presence(self, topic: str) -> bool:
        """Whether the readers of the topic are told who is here."""
        found = self._match(topic) if self._with_presence else None
        return found is not None and found[0] in self._with_presence

    def rate(self, topic: str) -> float | None:
        """How many events a second the topic's readers want; None for all."""
        found = self._match(topic) if self._rates else None
        return self._rates.get(found[0]) if found else None

    def check(self, topic: str) -> str:
        """The topic itself.

        Errors: BadTopic when it is malformed, too long, or without a rule.
        """
        if self._match(topic) is None:
            raise BadTopic(f"no rule for topic {topic[:MAX_TOPIC_CHARS]!r}")
        return topic

    def _found(self, topic: str) -> tuple[str, dict[str, Any]] | None:
        if len(topic) > MAX_TOPIC_CHARS or not _FORM.fullmatch(topic):
            return None
        try:
            endpoint, values = self._map.bind("live").match("/" + topic.replace(":", "/"))
        except NotFound:
            return None
        return str(endpoint), dict(values)


def _as_path(pattern: str) -> str:
    """`a:b:<int:id>` as `/a/b/<int:id>`: the colons outside the brackets become slashes."""
    return "/" + re.sub(r"<[^>]*>|:", lambda part: "/" if part[0] == ":" else part[0], pattern)


class _Serializer(URLSafeSerializer):
    """With one signer for all: making one for each took four fifths of reading a list (49 of 61 us, measured)."""

    @cached_property
    def _signer(self) -> Signer:
        return super().make_signer()

    def make_signer(self, _salt: str | bytes | None = None) -> Signer:
        return self._signer


class TopicList:
    """Signing the topics of a page, bound to its session; unique per page, useless without the session."""

    def __init__(self, secret_key: str | bytes) -> None:
        self._serializer = _Serializer(secret_key, salt="live-topics")

    def sign(self, topics: Iterable[str], session_id: str) -> str:
        return str(self._serializer.dumps([sorted(set(topics)), session_id, secrets.token_urlsafe(6)]))

    def read(self, text: str, session_id: str) -> list[str] | None:
        """The topics, or None when the text is not ours or was signed for another session."""
        try:
            topics, signed_for, _unique = self._serializer.loads(text)
        except (BadSignature, ValueError, TypeError):
            return None
        return list(topics) if signed_for == session_id else None
