from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from feeds.pacing import Pacer, Stop
from feeds.play import play
from feeds.records import Outgoing

if TYPE_CHECKING:
    from conftest import Clock, Kept


@pytest.fixture
def stop() -> Iterator[Stop]:
    made = Stop()
    yield made
    made.close()


def data(due_s: float | None, value: bytes = b"x", *, truth: bool = False) -> Outgoing:
    return Outgoing("t", b"k", value, due_s, truth=truth)


def test_each_record_goes_when_it_is_due(clock: Clock, kept: Kept, stop: Stop) -> None:
    due = [0.05 * n for n in range(1, 401)]
    played = play((data(d) for d in due), kept, pacer=Pacer(clock.wait, clock), stop=stop)
    assert kept.times == pytest.approx(due)
    assert (played.records, played.truths, played.interrupted) == (400, 0, False)
    assert played.seconds == pytest.approx(20.0)
    assert played.value_bytes == 400


def test_what_is_behind_catches_up_without_waiting(clock: Clock, kept: Kept, stop: Stop) -> None:
    def stalled() -> Iterator[Outgoing]:
        for n in range(1, 11):
            if n == 3:
                clock.now += 0.5
            yield data(0.1 * n)

    play(stalled(), kept, pacer=Pacer(clock.wait, clock), stop=stop)
    assert kept.times == pytest.approx([0.1, 0.2, 0.7, 0.7, 0.7, 0.7, 0.7, 0.8, 0.9, 1.0])


def test_without_a_due_time_nothing_waits(clock: Clock, kept: Kept, stop: Stop) -> None:
    play([data(None)] * 50, kept, pacer=Pacer(clock.wait, clock), stop=stop)
    assert len(kept.records) == 50 and clock.waits == []


def test_the_limit_counts_data_only_and_asks_for_nothing_more(clock: Clock, kept: Kept, stop: Stop) -> None:
    asked = []

    def endless() -> Iterator[Outgoing]:
        for n in itertools.count():
            asked.append(n)
            if n % 2 == 0:
                yield data(None, truth=True)
            yield data(None)

    played = play(endless(), kept, pacer=Pacer(clock.wait, clock), stop=stop, limit=3)
    assert (played.records, played.truths) == (3, 2)
    assert asked == [0, 1, 2]
    assert not kept.records[-1].truth
    assert play(endless(), kept, pacer=Pacer(clock.wait, clock), stop=stop, limit=0).records == 0
    assert asked == [0, 1, 2]


def test_a_request_to_stop_during_a_wait_sends_nothing_more(clock: Clock, kept: Kept, stop: Stop) -> None:
    clock.stop_at = 1000.25

    def wait(seconds: float) -> bool:
        if clock.wait(seconds):
            stop.request()
        return stop.requested

    played = play((data(0.1 * n) for n in itertools.count(1)), kept, pacer=Pacer(wait, clock), stop=stop)
    assert played.records == 2 and played.interrupted


def test_a_record_the_sink_did_not_take_is_not_counted(clock: Clock, stop: Stop) -> None:
    from_here = type("Refusing", (), {"send": lambda self, record: False})()
    assert play([data(None)] * 3, from_here, pacer=Pacer(clock.wait, clock), stop=stop).records == 0


def test_progress_is_told_after_each_record(clock: Clock, kept: Kept, stop: Stop) -> None:
    seen: list[int] = []
    play(
        [data(None)] * 4,
        kept,
        pacer=Pacer(clock.wait, clock),
        stop=stop,
        on_sent=lambda played: seen.append(played.records),
    )
    assert seen == [1, 2, 3, 4]
