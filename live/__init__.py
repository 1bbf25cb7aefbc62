"""The live core: pages that stay true to the database, over stream, long-poll and WebSocket.

It knows nothing of any feature, user model or table: a site gives it two callables (who is this
request, who is still valid) and asks it for topics, five verbs and one template tag. DESIGN: docs/live.md.
"""

from live.errors import BadTopic, CommandRefused, LiveError
from live.event import Event
from live.extension import Live
from live.gate import Identity
from live.position import Position

__all__ = ["BadTopic", "CommandRefused", "Event", "Identity", "Live", "LiveError", "Position"]
