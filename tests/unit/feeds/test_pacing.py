from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from feeds.pacing import Pacer, Stop, stop_on_signals

if TYPE_CHECKING:
    from conftest import Clock


def test_until_waits_exactly_and_never_for_the_past(clock: Clock) -> None:
    pacer = Pacer(clock.wait, clock)
    assert pacer.until(2.5)
    assert clock.now == 1002.5
    clock.now = 1010.0
    assert pacer.until(3.0)
    assert clock.now == 1010.0
    assert clock.waits == [2.5]


def test_lateness_does_not_add_up(clock: Clock) -> None:
    pacer = Pacer(clock.wait, clock)
    clock.overshoot = 0.004  # each wait comes back a little late
    for number in range(1, 1001):
        pacer.until(number * 0.05)
        assert 0.0 <= pacer.elapsed_s - number * 0.05 <= 0.0041


def test_a_wait_that_ends_too_early_is_taken_up_again(clock: Clock) -> None:
    def short(seconds: float) -> bool:
        return clock.wait(min(seconds, 0.3))

    pacer = Pacer(short, clock)
    assert pacer.until(1.0)
    assert clock.now == pytest.approx(1001.0)
    assert len(clock.waits) == 4


def test_until_ends_when_asked(clock: Clock) -> None:
    clock.stop_at = 1000.7
    assert not Pacer(clock.wait, clock).until(5.0)
    assert clock.now == 1000.7


def test_ticks_are_multiples_of_the_period_and_missed_ones_are_left_out(clock: Clock) -> None:
    pacer = Pacer(clock.wait, clock)
    seen = []
    for _ in range(5):
        assert pacer.next_tick(0.1)
        seen.append(round(pacer.elapsed_s, 6))
        if len(seen) == 2:
            clock.now += 0.55  # a stall
    assert seen == [0.1, 0.2, 0.8, 0.9, 1.0]


def test_no_tick_at_or_after_the_end_and_no_sleep_past_it(clock: Clock) -> None:
    pacer = Pacer(clock.wait, clock)
    ticks = 0
    while pacer.next_tick(0.4, end_s=1.0):
        ticks += 1
    assert ticks == 2
    assert pacer.elapsed_s == pytest.approx(1.0)
    assert not Pacer(clock.wait, clock).next_tick(1.0, end_s=1.0)


def test_stop_wakes_a_wait_at_once() -> None:
    stop = Stop()
    waker = threading.Timer(0.05, stop.request)
    waker.start()
    start = time.monotonic()
    assert stop.wait(30.0)
    assert time.monotonic() - start < 10.0
    assert stop.requested and stop.wait(30.0)
    waker.join()
    stop.close()


def test_stop_not_asked_for() -> None:
    stop = Stop()
    assert not stop.wait(0.01)
    assert not stop.wait(-1.0)
    stop.request()
    stop.request()
    assert stop.wait(0.0)
    stop.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_ask_once_and_the_handlers_come_back(number: signal.Signals) -> None:
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    with stop_on_signals() as stop:
        os.kill(os.getpid(), number)
        assert stop.wait(10.0)
        # a second one would end the process
        assert signal.getsignal(number) is signal.SIG_DFL
    assert {name: signal.getsignal(name) for name in before} == before
