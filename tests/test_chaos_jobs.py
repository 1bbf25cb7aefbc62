"""The short form of `make chaos-jobs`: the same dice, the same blows, ten jobs."""

import pytest

from tests.support.chaos_jobs import run, verdict


@pytest.mark.timeout(180)
def test_every_job_ends_once_and_leaves_its_effect_once_whatever_is_killed(tmp_path):
    figures = run(tmp_path, seed=3, jobs=10, lengths_s=(0.3, 2), blow_every_s=3, say=lambda _line: None)
    assert verdict(figures) == [], figures
    assert figures["jobs"] == 10
    assert sum(figures["blows"].values()) > 2
