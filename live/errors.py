"""The few errors of the core. A site catches `LiveError`; nothing here knows HTTP."""


class LiveError(Exception):
    """Anything the core refuses or cannot do."""


class BadTopic(LiveError):
    """A topic that is malformed, too long, or has no rule."""


class CommandRefused(LiveError):
    """Raised by a site's command handler; its text is shown to the person who sent the command."""


class HistoryLost(LiveError):
    """The log is no longer the one that was known: another epoch (its text is that epoch), or a hole."""


class LeaseLost(LiveError):
    """Another relay holds the lease now."""
