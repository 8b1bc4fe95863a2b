from __future__ import annotations

import json
import random
from datetime import UTC, datetime

import pytest

from feeds.records import event_time, parse_time, to_json
from jobs.errors import UsageError


def test_event_time_is_utc_with_milliseconds_and_z() -> None:
    assert event_time(0) == "1970-01-01T00:00:00.000Z"
    assert event_time(951_782_399_999) == "2000-02-28T23:59:59.999Z"
    assert event_time(951_782_400_050) == "2000-02-29T00:00:00.050Z"
    assert event_time(-1) == "1969-12-31T23:59:59.999Z"
    assert event_time(-62_135_596_800_000) == "0001-01-01T00:00:00.000Z"


def test_event_time_agrees_with_the_standard_library_and_comes_back() -> None:
    rng = random.Random(5)
    for _ in range(500):
        ms = rng.randrange(0, 4_102_444_800_000)
        text = event_time(ms)
        assert len(text) == 24
        assert round(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp() * 1000) == ms
        assert parse_time(text, option="--start") == ms


def test_parse_time_reads_other_zones() -> None:
    expected = int(datetime(2026, 3, 1, 11, 0, tzinfo=UTC).timestamp()) * 1000
    assert parse_time("2026-03-01T12:00:00+01:00", option="--start") == expected


@pytest.mark.parametrize("text", ["2026-03-01T12:00:00", "yesterday", "", "12:00", "2026-13-01T00:00:00Z"])
def test_parse_time_refuses_and_says_what_it_wants(text: str) -> None:
    with pytest.raises(UsageError, match=r"--start: .*ISO 8601.*2026-03-01T12:00:00\.000Z"):
        parse_time(text, option="--start")


def test_json_is_exact() -> None:
    record = {"device": 'kitchen "1" ä', "event_time": event_time(50), "volume": 1.25}
    assert to_json(record) == (
        '{"device":"kitchen \\"1\\" ä","event_time":"1970-01-01T00:00:00.050Z","volume":1.25}'.encode()
    )
    assert json.loads(to_json(record)) == record


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_json_has_no_nan(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_json({"volume": value})
