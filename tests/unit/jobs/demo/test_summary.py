"""The summary: exit code, object and text."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from jobs.demo.counting import Counts
from jobs.demo.findings import Findings
from jobs.demo.live import Latency
from jobs.demo.summary import PipelineSummary, Summary, as_object, show

GOOD = PipelineSummary(
    "loudness", "shout", Counts(1200, 1150, 3, 7, 40, 0), 9, 2, Findings(2, 2, 1), Latency(2300, 3100, 900), None
)
HOST = PipelineSummary("host_metrics", "burst", Counts(600, 580, 0, 0, 20, 0), 5, 1, Findings(1, 1, 0), None, "file:/s")
SUMMARY = Summary((GOOD, HOST), 41.26, 90.0, "http://localhost:8081", False, ())


def text_of(summary: Summary) -> str:
    out = io.StringIO()
    show(summary, Console(file=out, width=100))
    return out.getvalue()


def test_good() -> None:
    assert SUMMARY.consistent
    assert SUMMARY.exit_code == 0
    found = json.loads(json.dumps(as_object(SUMMARY)))
    assert found["consistent"] is True
    assert found["first_scores_s"] == 41.3
    loud = found["pipelines"]["loudness"]
    assert loud["read"] == loud["scored"] + loud["rejected"] + loud["late"] + loud["pending"] == 1200
    assert loud["known"] == {
        "kind": "shout",
        "scored": 2,
        "found": 2,
        "pending": 1,
        "rule": "an alert of its device within 0.5 s of its beginning",
    }
    assert loud["latency_ms"] == {"p50": 2300, "p99": 3100}
    assert found["pipelines"]["host_metrics"]["latency_ms"] is None


def test_text_of_good() -> None:
    text = text_of(SUMMARY)
    assert "loudness: read 1,200 = 1,150 + 3 + 7 + 40: every record is accounted for" in text
    assert "2 of 2 shouts, 1 pending" in text
    assert "1 of 1 burst" in text
    assert "2.3 s, 3.1 s" in text


@pytest.mark.parametrize(("scored", "words"), [(1149, "1 are missing"), (1151, "1 are counted twice")])
def test_what_does_not_add_up_is_said_plainly(scored: int, words: str) -> None:
    summary = replace(SUMMARY, pipelines=(replace(GOOD, counts=replace(GOOD.counts, scored=scored)), HOST))
    assert not summary.consistent
    assert summary.exit_code == 1
    assert as_object(summary)["consistent"] is False
    text = text_of(summary)
    assert words in text
    assert text.count("every record is accounted for") == 1


def test_a_problem_is_a_failure_even_where_everything_adds_up() -> None:
    summary = replace(SUMMARY, problems=("loudness is failed: why",))
    assert summary.exit_code == 1
    assert "problem: loudness is failed: why" in text_of(summary)


def test_nothing_known_yet() -> None:
    text = text_of(replace(SUMMARY, pipelines=(replace(GOOD, findings=Findings(0, 0, 1)),)))
    assert "no shout yet, 1 pending" in text
