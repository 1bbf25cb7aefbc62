"""Frames of a WebSocket as a server writes them: never masked, never in pieces. Pure functions.

Only what the hub writes by itself; reading, and the answers to pings and closes, are simple-websocket's.
"""

import struct

TEXT, CLOSE = 0x81, 0x88  # final frames (RFC 6455, section 5.2)

# RFC 6455 section 7.4: 4000-4999 are ours. The page stops at 4401 and 4403, and comes back after all others.
CLOSE_CODES = {
    "signed-out": 4401,
    "denied": 4403,
    "slow": 4408,
    "flood": 1008,
    "restart": 1012,
    "resync": 1000,
}


def text_frame(payload: bytes) -> bytes:
    """One message in one frame."""
    return _head(TEXT, len(payload)) + payload


def close_frame(reason: str) -> bytes:
    """The last frame: a code of `CLOSE_CODES` and the reason itself."""
    payload = struct.pack("!H", CLOSE_CODES.get(reason, 1000)) + reason.encode()
    return _head(CLOSE, len(payload)) + payload


def _head(kind: int, size: int) -> bytes:
    if size < 126:
        return struct.pack("!BB", kind, size)
    if size < 1 << 16:
        return struct.pack("!BBH", kind, 126, size)
    return struct.pack("!BBQ", kind, 127, size)
