"""The form of half a minute of `make chaos-jobs`: the same site, workers and blows, each of them once or twice."""

import pytest

from tests.support.chaos_jobs import BLOWS, run, verdict


@pytest.mark.timeout(300)
def test_every_job_ends_once_and_leaves_its_effect_once_whatever_is_killed(tmp_path):
    short = {"jobs": 10, "lengths_s": (0.5, 5), "blow_every_s": 2, "most_blows": len(BLOWS)}
    figures = run(tmp_path, seed=6, **short, say=lambda _line: None)
    assert verdict(figures) == [], figures
    assert figures["jobs"] == 10
    assert figures["attempts_lost"] > 0
