"""How fast, how far, how long still: said only where it is honest."""

import pytest

from work.pace import Pace


def steady(seconds, total, lasts_s, step_s=0.25):
    """(pace, what it says) of a job that lasts so long, after so many seconds of reporting."""
    pace, said = Pace(0), {}
    for tick in range(1, int(seconds / step_s) + 1):
        now = tick * step_s
        said = pace.at(now, total * now / lasts_s, total)
    return pace, said


def test_the_bar_never_goes_back_not_even_when_there_turns_out_to_be_more():
    pace = Pace(0)
    seen = []
    for now, done, total in ((1, 10, 100), (2, 50, 100), (3, 40, 100), (4, 60, 1000), (5, 2000, 1000)):
        pace.at(now, done, total)
        seen.append(pace.percent)
    assert seen == [10, 50, 50, 50, 100]


def test_without_an_end_there_is_a_rate_and_no_percentage():
    pace = Pace(0)
    pace.at(1, 100, 0)
    assert pace.at(2, 200, 0) == {"rate": 100}
    assert pace.percent == 0


@pytest.mark.parametrize(("seconds", "lasts_s"), [(9, 60), (20, 1000)])
def test_early_there_is_no_time_left_to_be_known(seconds, lasts_s):
    assert "low_s" not in steady(seconds, 100, lasts_s)[1]


@pytest.mark.parametrize("seconds", [30, 35, 40, 45, 50, 55])
def test_in_the_second_half_of_a_steady_minute_the_truth_is_in_the_range(seconds):
    _, said = steady(seconds, 6000, 60)
    left = 60 - seconds
    assert said["low_s"] <= left * 1.2
    assert said["high_s"] >= left * 0.8
    assert said["high_s"] - said["low_s"] <= 10


def test_a_job_that_has_become_slow_promises_nothing():
    pace = Pace(0)
    for tick in range(1, 61):
        pace.at(tick * 0.25, tick * 60, 5000)
    for tick in range(61, 90):
        said = pace.at(tick * 0.25, 3600 + (tick - 60), 5000)
    assert "low_s" not in said
