"""``cutbank feed clicks`` with a sink in place of Kafka: counts, topics, and options that do not go together."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from feeds.clicks import sizes
from jobs.errors import UsageError
from tests.unit.feeds.conftest import Sink
from tests.unit.feeds.test_feed_command import done, run


def test_impressions_and_labels_are_counted(sink: Sink) -> None:
    summary = done("clicks", "--messages", "2", "--speed", "0", "--delay", "none", "--drift", "1")
    rows = sum(sizes(2011, 2))
    assert (summary["impressions"], summary["labels"], summary["records"]) == (rows, rows, 2 * rows)
    assert (summary["protocol"], summary["truth_records"], summary["acknowledged"]) == ("honest", 1, 2 * rows + 1)
    assert sink.topics == {"impressions": 2, "clicks": 2, "impressions-truth": 1}
    assert Counter(each.topic for each in sink.records) == {"impressions": rows, "clicks": rows, "impressions-truth": 1}


def test_a_limit_of_impressions_still_brings_their_labels(sink: Sink) -> None:
    summary = done(
        "clicks", "--records", "7", "--speed", "0", "--delay", "constant:100", "--start", "2026-03-01T12:00:00Z"
    )
    assert (summary["impressions"], summary["labels"]) == (7, 7)
    assert json.loads(sink.records[-1].value)["event_time"].startswith("2026-03-01T12:01:40")


def test_seconds_are_those_of_the_stream(sink: Sink) -> None:
    summary = done("clicks", "--seconds", "0.1", "--speed", "0", "--lost", "1")
    assert (summary["impressions"], summary["labels"]) == (sum(sizes(2011, 2)), 0)


def test_the_original_protocol(sink: Sink) -> None:
    summary = done("clicks", "--protocol", "original", "--messages", "3", "--speed", "0")
    assert (summary["topic"], summary["records"]) == ("testbroker", 3)
    assert [len(json.loads(each.value)["y"]) for each in sink.records] == list(sizes(2011, 3))
    assert sink.topics == {"testbroker": 1}
    assert done("clicks", "--protocol", "original", "--seconds", "0.2", "--speed", "0")["records"] == 4


def test_a_recorded_file(sink: Sink, tmp_path: Path) -> None:
    path = tmp_path / "stream.csv"
    path.write_text("at,x,label\n2026-03-01T12:00:00Z,1,0\n2026-03-01T12:00:01Z,2,1\n")
    summary = done("clicks", "--file", str(path), "--event-time", "at", "--speed", "0", "--delay", "constant:3")
    assert (summary["impressions"], summary["labels"], summary["file"]) == (2, 2, str(path))
    first = json.loads(sink.records[0].value)
    assert first == {"impression_id": 0, "campaign": "stream", "event_time": "2026-03-01T12:00:00.000Z", "x": 1}
    assert json.loads(sink.records[3].value)["event_time"] == "2026-03-01T12:00:04.000Z"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--file", "nowhere.csv"], "--file: no file 'nowhere.csv'"),
        (["--file", "x", "--protocol", "original"], "--file and --protocol original: give one of the two"),
        (["--drift", "0"], "--drift: expected numbers of messages above 0"),
        (["--drift", "5,x"], "--drift: expected numbers of messages above 0"),
        (["--lost", "1.5"], "--lost: expected a number from 0 to 1, got 1.5"),
        (["--delay", "soon"], "--delay: expected one of"),
        (["--campaigns", "0"], "--campaigns: expected a number 1 or more"),
        (["--rate", "0"], "--rate: expected a number above 0"),
        (["--seed", "4294967295"], "--seed: expected a number up to 4294967294"),
    ],
)
def test_wrong_use(sink: Sink, arguments: list[str], says: str) -> None:
    result = run("clicks", *arguments)
    assert isinstance(result.exception, UsageError), result.output
    assert says in str(result.exception)
    assert not sink.records
