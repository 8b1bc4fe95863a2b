"""What the live view measures, with a clock that stands still."""

from __future__ import annotations

import json

import pytest

from jobs.demo.live import LATENCY_WINDOW_S, RATE_WINDOW_S, Measured, latency
from jobs.demo.pipelines import LOUDNESS


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def scores(*times_ms: int) -> list[bytes]:
    return [
        json.dumps(
            {"device": "room", "event_time": f"1970-01-01T00:00:{t / 1000:06.3f}Z", "anomaly_score": 0.9}
        ).encode()
        for t in times_ms
    ]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def measured(clock: Clock) -> Measured:
    return Measured(LOUDNESS, clock)


def test_nothing_yet(measured: Measured) -> None:
    reading = measured.read()
    assert (reading.scored, reading.rate, reading.latency, reading.first_scored_s) == (0, 0.0, None, None)
    assert measured.overall_latency() is None


def test_rate_is_over_its_window_and_falls_back_to_nothing(measured: Measured, clock: Clock) -> None:
    for _ in range(10):
        measured.add("loudness-scores", scores(*range(1000, 1020)), wall_ms=3000)
        clock.now += 1.0
    assert measured.read().rate == pytest.approx(20.0, abs=4.0)
    assert measured.read().scored == 200
    clock.now += RATE_WINDOW_S + 1
    assert measured.read().rate == 0.0
    assert measured.read().first_scored_s == 100.0


def test_the_backlog_of_the_start_is_in_no_latency(measured: Measured, clock: Clock) -> None:
    measured.add("loudness-scores", scores(1000, 2000, 30_000), wall_ms=40_000)  # fed before the job ran
    assert measured.read().latency is None
    measured.add("loudness-scores", scores(39_999, 40_000, 41_000), wall_ms=43_000)
    reading = measured.read().latency
    assert reading is not None
    assert (reading.records, reading.p50_ms, reading.p99_ms) == (2, 2500, 2990)
    clock.now += LATENCY_WINDOW_S + 1
    assert measured.read().latency is None
    assert measured.overall_latency() == reading


def test_percentiles() -> None:
    found = latency(list(range(1, 101)))
    assert found is not None
    assert (found.p50_ms, found.p99_ms) == (50, 99)
    assert latency([]) is None


def test_alerts_and_truth(measured: Measured) -> None:
    loud = {
        "device": "room",
        "event_time": "1970-01-01T00:00:05.050Z",
        "volume": 80.0,
        "anomaly_score": 3.0,
    }
    measured.add("loudness-alerts", [json.dumps(loud).encode(), None], wall_ms=7000)
    known = {"device": "room", "event_time": "1970-01-01T00:00:05.000Z", "kind": "shout"}
    measured.add("loudness-truth", [json.dumps(known).encode()], wall_ms=5000)
    reading = measured.read()
    assert (reading.alerts, len(reading.anomalies), len(reading.known)) == (1, 1, 1)
    assert reading.known[0].found_by(reading.anomalies[0])
