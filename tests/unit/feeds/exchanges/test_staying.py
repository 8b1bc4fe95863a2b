"""When to dial again and when a link is dead, without sockets or clocks."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.exchanges.staying import CAP_S, HEALTHY_S, AttemptBudget, Backoff, Health, Liveness


class Unlucky(random.Random):
    """Jitter that always is the least, or the most, there can be."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self._share = share

    def uniform(self, a: float, b: float) -> float:
        return a + (b - a) * self._share


def test_waits_are_drawn_from_a_range_that_doubles_up_to_a_minute() -> None:
    longest = Backoff(Unlucky(1.0))
    assert [longest.next_s() for _ in range(9)] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    shortest = Backoff(Unlucky(0.0))
    assert {shortest.next_s() for _ in range(2000)} == {0.0}


def test_full_jitter() -> None:
    waits = [0.0] * 4000
    rng = random.Random(1)
    for at in range(len(waits)):
        backoff = Backoff(rng)
        backoff.failures = 10
        waits[at] = backoff.next_s()
    assert 0.0 <= min(waits) < 0.5 and CAP_S - 0.5 < max(waits) <= CAP_S
    # a uniform range has a mean of 30 s; four standard errors are 1.1 s
    assert sum(waits) / len(waits) == pytest.approx(30.0, abs=1.1)


def test_only_healthy_data_make_waits_short_again() -> None:
    backoff = Backoff(Unlucky(1.0))
    for _ in range(5):
        backoff.brought_data_for(HEALTHY_S - 0.1)
        backoff.next_s()
    assert backoff.next_s() == 32.0
    backoff.brought_data_for(HEALTHY_S)
    assert backoff.next_s() == 1.0


@given(st.lists(st.floats(0.0, 20.0), min_size=1, max_size=200), st.integers(1, 20))
@settings(max_examples=100, deadline=None)
def test_no_window_ever_holds_more_dials_than_allowed(pauses: list[float], limit: int) -> None:
    budget, now_s, dials = AttemptBudget(limit, 30.0), 0.0, []
    for pause in pauses:
        now_s += pause
        while (wait_s := budget.wait_s(now_s)) > 0.0:
            now_s += wait_s
        budget.spend(now_s)
        dials.append(now_s)
    for at in range(len(dials) - limit):
        assert dials[at + limit] - dials[at] >= 30.0 - 1e-6


def test_a_quiet_market_is_no_dead_link() -> None:
    link = Liveness(0.0)
    link.data(1.0)
    link.data(21.0)  # this market has pauses of twenty seconds
    for now_s in range(22, 222):
        link.alive_s = float(now_s)  # pings are answered
        assert link.health(float(now_s)) is Health.GOOD
    link.alive_s = 222.0
    assert link.health(222.0) is Health.QUIET  # ten times its longest pause


def test_a_busy_market_that_falls_silent_is_found_within_a_minute() -> None:
    link = Liveness(0.0)
    for tenth in range(100):
        link.data(tenth / 10)
    link.alive_s = 71.0
    assert link.health(69.0) is Health.GOOD
    assert link.health(71.0) is Health.QUIET


def test_without_any_sign_of_life_a_link_is_dead() -> None:
    link = Liveness(100.0)
    assert link.health(114.0) is Health.GOOD
    assert link.health(116.0) is Health.ASK
    assert link.health(144.0) is Health.ASK
    assert link.health(146.0) is Health.DEAD


def test_heartbeats_alone_are_found_out_too() -> None:
    link = Liveness(0.0)
    for now_s in range(0, 300, 10):
        link.alive_s = float(now_s)
        assert link.health(float(now_s)) is Health.GOOD
    link.alive_s = 301.0
    assert link.health(301.0) is Health.QUIET


def test_a_connection_grows_old() -> None:
    link = Liveness(0.0, max_age_s=1000.0)
    link.data(999.0)
    link.alive_s = link.data_at_s = 1001.0
    assert link.health(1000.0) is Health.GOOD
    assert link.health(1001.0) is Health.OLD
