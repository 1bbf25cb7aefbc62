"""Tests of one group share their servers, so pytest-xdist must give them all to one process of the run."""

import pytest


@pytest.mark.xdist_group("one-of-a-group")
def test_a_group_stays_together(request, pytestconfig):
    if not getattr(pytestconfig.option, "loadgroup", False):
        pytest.skip("not run with --dist loadgroup: there is nothing to keep together")
    # What pytest-xdist looks at when it hands tests out; under pytest 9.2 its mark is lost without a word.
    assert request.node.nodeid.endswith("@one-of-a-group")
