"""How long a poll waits: as long as the page asks, never longer than the site allows."""

import pytest
from flask import Flask

from live.transports import poll


@pytest.mark.parametrize(
    ("asked", "waits_s"),
    [
        ("0", 0),
        ("10", 10),
        ("999", 25),
        ("", 25),
        ("-1", 25),
        ("x", 25),
        ("1e9", 25),
        ("9" * 5000, 25),
        ("٣", 25),
    ],
)
def test_a_poll_waits_as_long_as_it_is_asked_to_within_bounds(asked, waits_s):
    app = Flask("site")
    app.config["LIVE_POLL_WAIT_S"] = 25
    with app.test_request_context("/live/poll", query_string={"wait": asked}):
        assert poll._wait_s() == waits_s
