"""Which alerts are one anomaly, and which known events count as found."""

from __future__ import annotations

import math

import pytest

from jobs.demo.findings import (
    BURST_FOUND_AFTER_MS,
    SHOUT_FOUND_WITHIN_MS,
    Alert,
    Anomaly,
    Findings,
    Known,
    anomalies,
    findings,
    known_events,
    read_alert,
    time_ms,
)
from jobs.demo.pipelines import HOST_METRICS, LOUDNESS


def alert(time: int, score: float = 2.0, source: str = "room", cause: str = "") -> Alert:
    return Alert(source, time, score, cause or f"score {score}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00.000Z", 0),
        ("1970-01-01T00:00:01.001Z", 1001),
        ("1970-01-01T01:00:00.250+01:00", 250),
        ("2026-11-22T06:26:16.973Z", 1795328776973),
    ],
)
def test_time(text: str, expected: int) -> None:
    assert time_ms(text) == expected


@pytest.mark.parametrize("text", ["1970-01-01T00:00:00.000", "noon", "", None, 12])
def test_no_time(text: object) -> None:
    with pytest.raises(ValueError):
        time_ms(text)


def test_alerts_close_together_are_one_anomaly_with_the_cause_of_its_peak() -> None:
    found = anomalies([alert(50, 2.0), alert(0, 1.9), alert(1050, 3.5, cause="peak"), alert(1060, 2.5)])
    assert found == [Anomaly("room", 0, 1060, 3.5, "peak", 4)]


def test_alerts_further_apart_are_two_and_the_gap_is_inclusive() -> None:
    assert [(a.start_ms, a.end_ms, a.alerts) for a in anomalies([alert(0), alert(1000), alert(2001)])] == [
        (0, 1000, 2),
        (2001, 2001, 1),
    ]


def test_sources_do_not_mix() -> None:
    found = anomalies([alert(0, source="a"), alert(10, source="b"), alert(20, source="a")])
    assert [(a.source, a.alerts) for a in found] == [("a", 2), ("b", 1)]


def test_cause_of_an_alert() -> None:
    loud = read_alert(
        LOUDNESS,
        {"device": "room", "event_time": "1970-01-01T00:00:01.000Z", "volume": 83.14, "anomaly_score": 3},
    )
    assert loud == Alert("room", 1000, 3.0, "volume 83.1")
    busy = read_alert(
        HOST_METRICS,
        {
            "host": "vm",
            "event_time": "1970-01-01T00:00:01.000Z",
            "anomaly_score": 7.5,
            "cause": "disk_write_mb HIGH",
        },
    )
    assert busy == Alert("vm", 1000, 7.5, "disk_write_mb HIGH")


def shout(time: str, device: str = "room") -> dict[str, str]:
    return {"device": device, "event_time": time, "kind": "shout"}


def burst(time: str, kind: str) -> dict[str, str]:
    return {"host": "vm", "event_time": time, "kind": kind}


def test_known_events() -> None:
    assert known_events(LOUDNESS, [shout("1970-01-01T00:00:02.000Z"), shout("1970-01-01T00:00:01.000Z")]) == [
        Known("shout", "room", 1000, 1000 + SHOUT_FOUND_WITHIN_MS),
        Known("shout", "room", 2000, 2000 + SHOUT_FOUND_WITHIN_MS),
    ]
    ends = [burst("1970-01-01T00:00:09.000Z", "burst_end"), burst("1970-01-01T00:00:05.000Z", "burst_start")]
    assert known_events(HOST_METRICS, ends) == [Known("burst", "vm", 5000, 9000 + BURST_FOUND_AFTER_MS)]
    assert known_events(HOST_METRICS, ends[1:]) == [Known("burst", "vm", 5000, math.inf)]
    assert known_events(HOST_METRICS, ends[:1]) == []


@pytest.mark.parametrize(
    ("time", "source", "found"),
    [
        (999, "room", False),
        (1000, "room", True),
        (1000 + SHOUT_FOUND_WITHIN_MS, "room", True),
        (1001 + SHOUT_FOUND_WITHIN_MS, "room", False),
        (1100, "another", False),
    ],
)
def test_a_shout_is_found_by_an_alert_of_its_device_in_its_time(time: int, source: str, found: bool) -> None:
    event = Known("shout", "room", 1000, 1000 + SHOUT_FOUND_WITHIN_MS)
    assert event.found_by(alert(time, source=source)) is found


def test_an_anomaly_that_began_before_and_lasts_into_it_is_about_it() -> None:
    event = Known("shout", "room", 1000, 1500)
    assert event.found_by(Anomaly("room", 900, 1000, 2.0, "", 3))
    assert not event.found_by(Anomaly("room", 800, 999, 2.0, "", 3))


def test_findings_leave_out_what_was_not_wholly_scored() -> None:
    events = [Known("shout", "room", start, start + 500) for start in (1000, 5000, 9499, 9500, 9600, 20_000)]
    result = findings(events, [alert(1100), alert(1150), alert(9999)], scored_until_ms=10_000)
    # found: 1000, 9499 (the alert is its last millisecond), 9500, 9600; missed: 5000; not scored: 20 000
    assert result == Findings(known=5, found=4, pending=1)
    assert findings(events, [], scored_until_ms=10_000) == Findings(known=3, found=0, pending=3)


def test_a_burst_that_lasts_is_pending_until_it_is_found() -> None:
    event = Known("burst", "room", 5000, math.inf)
    assert findings([event], [], 10_000) == Findings(0, 0, 1)
    assert findings([event], [alert(6000)], 10_000) == Findings(1, 1, 0)


def test_one_alert_between_two_events_counts_for_those_it_lies_in() -> None:
    events = [Known("shout", "room", 1000, 1500), Known("shout", "room", 1400, 1900)]
    assert findings(events, [alert(1450)], 10_000).found == 2
    assert findings(events, [alert(1600)], 10_000).found == 1
