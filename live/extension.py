"""`Live`: the only thing a site touches. Topics, five verbs, one template tag, and the end of a right."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import flask
import redis
from flask import Flask, g, request
from markupsafe import Markup

from live import build, cli
from live.errors import LiveError
from live.event import GRANT, MAX_EVENT_BYTES, REVOKE, Event, partial, root_id, signal_name
from live.fragments import Fragments
from live.gate import Everywhere, Gate, Identity
from live.hub import Hub
from live.log import Log, connect, new_uuid
from live.position import NONE
from live.subscription import Subscription
from live.topics import MAX_TOPICS_PER_PAGE, TopicList, TopicRule, Topics
from live.transports import blueprint, websocket
from live.transports.commands import Command

if TYPE_CHECKING:
    from live.outbox import Outbox, Sender
    from live.relay import Relay

logger = logging.getLogger("live")

DEFAULTS = {
    "LIVE_SPACE": "site",
    "LIVE_HISTORY_EVENTS": 10_000,  # DESIGN 4.2
    "LIVE_BEAT_S": 5,  # DESIGN 4.4: stale after two
    "LIVE_POLL_WAIT_S": 25,  # below the 30 s after which the strictest proxies cut (FAULTS 3.7)
    "LIVE_RECHECK_S": 20,  # DESIGN 4.6
    "LIVE_MAX_STREAMS": 10_000,
    "LIVE_MAX_STREAMS_PER_USER": 20,
    "LIVE_MAX_STREAMS_PER_ADDRESS": 10_000,  # an office, or a proxy, is one address: lower it where that is not so
    "LIVE_BUILD": "",
    "LIVE_PROBE_S": 60,  # DESIGN 4.4: a page on a worse transport tries the better one; doubled to an hour
    "LIVE_HIDDEN_S": 5,  # a tab hidden for longer lets its connection go
    "LIVE_RELOAD_S": 300,  # after a deploy pages load themselves anew within that
}

Identify = Callable[[], Identity | None]
Recheck = Callable[[set[str]], dict[str, Identity]]


class Live:
    """Pages that stay live. Make one, register topics, call `init_app`, use the verbs."""

    def __init__(self) -> None:
        self._topics = Topics()
        self._senders: dict[str, Sender] = {}
        self._everywhere: list[Everywhere] = []
        self.outbox: Outbox | None = None
        self.relay: Relay | None = None
        self._app: Flask
        self.hub: Hub
        self.gate: Gate
        self.log: Log

    # -- set-up -----------------------------------------------------------------------------------------

    def init_app(
        self, app: Flask, *, identify: Identify, recheck: Recheck, session: Any = None, metadata: Any = None
    ) -> None:
        """Ties the core to a site; the first extension to be initialised, so that a page's position is taken first.

        Shape: `identify()` says who the current request is; `recheck(session_ids)` gives the identities that are
        still valid, by session id, in one query; `session` and `metadata` are SQLAlchemy's, for the outbox: with
        them a verb is sent if, and only if, the transaction commits; without them it is sent at once.
        """
        for name, value in DEFAULTS.items():
            app.config.setdefault(name, value)
        config = app.config
        self._app, self._recheck, self._session = app, recheck, session
        self._fragments = Fragments(app)
        self._signer = TopicList(config["SECRET_KEY"])
        self.gate = Gate(
            self._topics, self._signer, identify, self._everywhere, lambda: self.hub.follower.epoch
        )
        self.log = Log(connect(config["REDIS_URL"]), config["LIVE_SPACE"], config["LIVE_HISTORY_EVENTS"])
        self.hub = Hub(
            self.log,
            build=config["LIVE_BUILD"] or build.name_of(app),
            beat_s=config["LIVE_BEAT_S"],
            recheck_s=config["LIVE_RECHECK_S"],
            still_valid=self._end_invalid,
            topics=self._topics,
        )
        app.extensions["live"] = self
        app.register_blueprint(blueprint)
        app.cli.add_command(cli.group)
        app.before_request(self._take_position)
        app.after_request(self._show_position)
        app.jinja_env.globals.update(live_connect=self.connect, path_for=self._fragments.path_for)
        websocket.init_app(app)
        if session is not None:
            self._bind_outbox(session, metadata)

    def _bind_outbox(self, session: Any, metadata: Any) -> None:
        # Here, because a site without SQLAlchemy has no outbox and must not need the package.
        from live.outbox import Outbox
        from live.relay import Relay

        if self.outbox is None:  # one per session, however many apps are made of it
            self.outbox = Outbox(session, metadata, self._senders, self._wake_relay)
        self.relay = self.hub.relay = Relay(self.outbox, self._engine, self.log)

    def topic(
        self, pattern: str, *, presence: bool = False, max_per_second: float | None = None
    ) -> Callable[[TopicRule], TopicRule]:
        """Registers who may read the topics of a pattern: `rule(user, **values)`.

        With `presence` its readers are told who is here: the signal `live:presence`, data a list of user ids.
        With `max_per_second` they get that many at most: the newest of each key, and always the newest last.
        """

        def register(rule: TopicRule) -> TopicRule:
            self._topics.add(pattern, rule, presence=presence, max_per_second=max_per_second)
            return rule

        return register

    def everywhere(self, function: Everywhere) -> Everywhere:
        """Registers topics that every page of a user follows beside its own: `function(user)`, for what the frame of
        all pages shows. Trusted, and asked once for each session and version of its user, so what changes it moves the
        version; `grant` and `revoke` tell the pages that are open."""
        self._everywhere.append(function)
        return function

    def sender(self, kind: str) -> Callable[[Sender], Sender]:
        """Registers what sends the outbox's rows of a kind: `function(uuid, payload)`, called after the commit,
        in order, at least once and with the same uuid each time; so it must be safe to repeat."""

        def register(function: Sender) -> Sender:
            self._senders[kind] = function
            return function

        return register

    def send(self, kind: str, payload: dict[str, Any]) -> None:
        """Announces something for a registered kind; it goes out if, and only if, the transaction commits."""
        if kind not in self._senders:
            raise LiveError(f"nobody sends {kind!r}")
        if self.outbox is None:
            raise LiveError("sending by the outbox needs a SQLAlchemy session")
        self.outbox.put(kind, payload)

    def identity(self) -> Identity | None:
        """Who the current request is, as the site says."""
        return self.gate.identify()

    def serve_socket(self, ws: Any, command: Command) -> None:
        """The body of a flask-sock route: the page's topics out, `command(name, fields)` in.

        A command that is refused raises CommandRefused with a sentence; one that is repeated does nothing new.
        """
        websocket.serve(ws, command)

    @property
    def lag_s(self) -> float:
        """How long the oldest announcement has waited for Redis, in seconds; 0 when none does."""
        return self.relay.lag_s if self.relay else 0.0

    def release_database(self) -> None:
        """Gives the request's database session back before waiting: a live handler never holds one."""
        if self._session is not None:
            self._session.remove()

    def presence(self, topic: str) -> list[str]:
        """The ids, as texts, of the users who have the topic open now, in whatever process; [] while Redis is away."""
        try:
            return self.hub.presence.users(self._topics.check(topic))
        except redis.RedisError as error:
            logger.warning("presence not known: %s", error)
            return []

    # -- verbs ------------------------------------------------------------------------------------------

    def upsert(
        self, topic: str, target: str, template: str, *, key: str = "", volatile: bool = False, **context: Any
    ) -> Event:
        """Morphs the element of the fragment's id where it stands, else inserts it into `target` by its `data-sort`."""
        html = self._fragments.render(template, context)
        root_id(html)
        return self._publish(topic, target, partial(target, "live-upsert", html), key, volatile)

    def replace(
        self, topic: str, target: str, template: str, *, key: str = "", volatile: bool = False, **context: Any
    ) -> Event:
        """Morphs the element of that id into the fragment."""
        html = self._fragments.render(template, context)
        return self._publish(topic, target, partial(target, "outerMorph", html), key, volatile)

    def remove(self, topic: str, target: str, *, key: str = "") -> Event:
        """Takes the element away."""
        return self._publish(topic, target, partial(target, "delete"), key, False)

    def refresh(self, topic: str, target: str) -> Event:
        """Every page fetches the region again with its own session: for what differs per viewer, and for counts."""
        return self._send_or_wait(Event(self._topics.check(topic), target, "live:refresh", target, "refresh"))

    def signal(self, topic: str, name: str, data: Any = None, *, volatile: bool = False) -> Event:
        """A DOM event `live:<name>` on the page's connect element; `data` arrives as JSON in `event.detail.data`."""
        at_ms = _now_ms() if volatile else 0
        return self._send_or_wait(
            Event(self._topics.check(topic), json.dumps(data), signal_name(name), at_ms=at_ms)
        )

    def grant(self, *, user_id: Any, topic: str) -> None:
        """All open pages of a user follow this topic, too, from here on: one that `everywhere` has begun to name."""
        what = {"user_id": user_id, "topic": self._topics.check(topic)}
        self._send_or_wait(Event(topic, json.dumps(what), GRANT))

    def revoke(self, *, user_id: Any = None, session_id: str | None = None, topic: str | None = None) -> None:
        """Ends a right now, in every process: a topic (of one user or all), or the connections of a user or session."""
        what = {"user_id": user_id, "session_id": session_id, "topic": topic}
        if not any(value is not None for value in what.values()):
            raise ValueError("revoke what? Give a user, a session or a topic")
        self._send_or_wait(
            Event(topic or "", json.dumps({k: v for k, v in what.items() if v is not None}), REVOKE)
        )

    def _publish(self, topic: str, target: str, html: str, key: str, volatile: bool) -> Event:
        if len(html.encode()) > MAX_EVENT_BYTES:
            return self.refresh(topic, target)
        at_ms = _now_ms() if volatile else 0
        return self._send_or_wait(Event(self._topics.check(topic), html, "", target, key, at_ms))

    def _send_or_wait(self, event: Event) -> Event:
        if event.at_ms:
            self._send_volatile(event)
        elif self.outbox is None:
            self._send_now(event)
        else:
            self.outbox.put_event(event)
        return event

    def _send_now(self, event: Event) -> None:
        """Without an outbox the change is done already: an event that Redis does not take becomes a resync of all."""
        try:
            self.log.publish([(new_uuid(), event)], self.hub.number())
        except redis.RedisError as error:
            logger.warning("event not sent, every page will be resynced: %s", error)
            self.hub.owe_resync()

    def _send_volatile(self, event: Event) -> None:
        try:
            self.log.publish_volatile(event)
        except redis.RedisError as error:  # worthless a second later, so nobody waits for Redis
            logger.warning("volatile event not sent: %s", error)

    def _wake_relay(self) -> None:
        if self.relay and self.relay.running:
            self.relay.wake()
            return
        try:
            self.log.wake_relay()
        except redis.RedisError as error:  # the relay sweeps twice a second anyway
            logger.warning("relay not woken: %s", error)

    def _engine(self) -> Any:
        with self._app.app_context():
            return self._session.get_bind()

    # -- pages ------------------------------------------------------------------------------------------

    def connect(self, *topics: str, socket: str = "", pause: bool = True) -> Markup:
        """The one element of a page that follows its topics; refuses with 403 what the viewer may not read.

        Shape: `socket` is the path of a WebSocket route that carries the topics while it is open; with
        `pause=False` the page stays connected while its tab is hidden.
        """
        identity = self.identity()
        if identity is None:
            return Markup("")
        if len(topics) > MAX_TOPICS_PER_PAGE:
            raise LiveError(f"a page follows at most {MAX_TOPICS_PER_PAGE} topics, not {len(topics)}")
        for topic in topics:
            if not self._topics.allows(identity.user, self._topics.check(topic)):
                flask.abort(403)
        html = flask.render_template(
            "live/connect.html",
            token=self._signer.sign(topics, identity.session_id),
            position=g.get("live_position", NONE),
            socket=socket,
            pause=pause,
            build=self.hub.build,
            beat_ms=int(self._app.config["LIVE_BEAT_S"] * 1000),
        )
        return Markup(html)  # noqa: S704  (the template has escaped it)

    def _take_position(self) -> None:
        # Before anything reads the database: too old costs a repeat, too new would cost an event.
        # A connection brings its own.
        if request.endpoint and request.blueprint != "live" and not request.endpoint.endswith("static"):
            self.hub.start()
            g.live_position = self.hub.position()

    def _show_position(self, response: flask.Response) -> flask.Response:
        if "live_position" in g and response.mimetype == "text/html":
            response.headers["Live-Position"] = g.live_position
        return response

    # -- rights -----------------------------------------------------------------------------------------

    def _end_invalid(self, readers: list[Subscription]) -> None:
        """Asks the site once about all readers; ends those whose session is gone and the rights that ended.

        It may swallow every error: the site's database may be away, and the next round asks again.
        """
        try:
            with self._app.app_context():
                valid = self._recheck({reader.identity.session_id for reader in readers})
                for reader in readers:
                    self._end_if_invalid(reader, valid.get(reader.identity.session_id))
        except Exception:
            logger.exception("the question who may still read failed; it is asked again in the next round")

    def _end_if_invalid(self, reader: Subscription, identity: Identity | None) -> None:
        if identity is None:
            reader.bye("signed-out", retry_ms=1000)
        elif identity.version != reader.identity.version:
            for topic in reader.topics - self.gate.still_allowed(identity, reader.topics):
                self.hub.drop(reader, topic)
            reader.identity = identity.bare


def _now_ms() -> int:
    return int(time.time() * 1000)
