"""The demonstration of the recommender: every request accounted for, rates by ranking, and what is told of them."""

from __future__ import annotations

import io
import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from feeds.media import CLICKS as FED_CLICKS
from feeds.media import LISTS as FED_LISTS
from feeds.media import REQUESTS as FED_REQUESTS
from jobs.demo.recommender import (
    ANSWERS,
    CLICKS,
    CONTROL,
    LISTS,
    RECOMMENDER,
    REQUESTS,
    TREATMENT,
    VALUES,
    Board,
    ListCounts,
    Summary,
    count,
)
from jobs.demo.recommender_view import as_object, line, report
from jobs.report.ab import exposures_of, report_of
from jobs.sql.statements import read_script


def at(second: float) -> str:
    return f"2026-03-02T10:00:{second:06.3f}Z"


def rows() -> dict[str, list[dict[str, Any]]]:
    """Four requests: two answered and shown, one answered too late to be shown, one behind the last pack."""
    lists = [
        {"request_id": "a", "user_id": 1, "event_time": at(2), "items": [1, 2], "made_by": "answer"},
        {"request_id": "b", "user_id": 2, "event_time": at(3), "items": [3, 4], "made_by": "answer"},
        {"request_id": "c", "user_id": 3, "event_time": at(4), "items": [5], "made_by": "site"},
    ]
    return {
        REQUESTS: [{"request_id": name, "event_time": at(n)} for n, name in enumerate("abcd", 1)],
        ANSWERS: [
            {"request_id": name, "event_time": at(n), "ranking": (CONTROL, TREATMENT)[n % 2]}
            for n, name in ((1, "a"), (2, "b"), (3, "c"), (3, "c"))
        ],
        LISTS: lists,
        CLICKS: [{"request_id": "a", "item_id": 2, "user_id": 1}, {"request_id": "a", "item_id": 1, "user_id": 1}],
    }


@pytest.mark.parametrize("order", list(itertools.permutations((ANSWERS, LISTS, CLICKS))))
def test_rates_are_of_lists_that_were_shown_in_whatever_order_topics_are_read(order: tuple[str, ...]) -> None:
    given, board = rows(), Board()
    given[CLICKS].append({"request_id": "c", "item_id": 5, "user_id": 3})  # on the site's own list
    for topic in order:
        board.add(topic, [json.dumps(row).encode() for row in given[topic]])
    assert board.lists == {TREATMENT: 1, CONTROL: 1} and board.items == {TREATMENT: 2, CONTROL: 2}
    assert +board.clicks == {TREATMENT: 2} and board.hits == {TREATMENT: 1}


def test_every_request_is_accounted_for() -> None:
    counts = count(rows())
    assert counts == ListCounts(read=4, rejected=0, late=0, pending=1, answered=3, again=1, shown=2, own=1, astray=0)
    assert counts.consistent
    lost = rows()
    del lost[ANSWERS][1]
    assert not count(lost).consistent and count(lost).astray == 1
    assert count({REQUESTS: [], ANSWERS: [], LISTS: []}).consistent


def test_rates_by_ranking() -> None:
    board = Board(state="running")
    for topic in (ANSWERS, LISTS, CLICKS):
        board.add(topic, [json.dumps(row).encode() for row in rows()[topic]])
    assert (board.lists, board.items) == ({TREATMENT: 1, CONTROL: 1}, {TREATMENT: 2, CONTROL: 2})
    assert (board.clicks, board.hits) == ({TREATMENT: 2}, {TREATMENT: 1})
    assert line(board) == f"running: {CONTROL} 1 lists, 0.00%; {TREATMENT} 1 lists, 100.00%"


def test_the_summary() -> None:
    from tests.unit.jobs.report.test_ab import topics

    answers, lists, clicks = topics(300)
    named = [{**row, "ranking": {"popular": CONTROL, "blend": TREATMENT}[row["ranking"]]} for row in answers]
    found = report_of(exposures_of(named, lists, clicks), CONTROL, TREATMENT)
    summary = Summary(count(rows()), Board(), found, None, "/savepoint", 12.3, False)
    out = Console(file=io.StringIO(), width=160)
    report(summary, out)
    text = out.file.getvalue()  # type: ignore[attr-defined]
    assert "requests 4 = 3 answered + 0 rejected + 0 late + 1 pending: every request is accounted for" in text
    assert "sample ratio as intended" in text and "whenever one looks" in text
    assert summary.exit_code == 0 and json.loads(json.dumps(as_object(summary)))["ab"]["control"] == CONTROL
    assert replace(summary, counts=replace(summary.counts, astray=1)).exit_code == 1
    report(replace(summary, report=None), out)
    assert "Too few lists for an A/B report." in out.file.getvalue()  # type: ignore[attr-defined]


def test_feed_and_pipeline_speak_of_the_same_topics() -> None:
    assert (REQUESTS, LISTS, CLICKS) == (FED_REQUESTS, FED_LISTS, FED_CLICKS)
    script = read_script(RECOMMENDER.file, VALUES)
    text = "".join(statement.text for statement in script.statements)
    assert f"'{CONTROL}, {TREATMENT}'" in text
    for topic in (REQUESTS, CLICKS, ANSWERS):
        assert f"'{topic}'" in text and topic in RECOMMENDER.topics
