"""``cutbank recommend``: the newest list of a user, with titles."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from jobs.cli import recommend
from jobs.errors import UsageError
from jobs.stack.kafka_read import Record

app = typer.Typer()
app.command()(recommend.recommend)

ANSWERS = [
    {"user_id": 7, "request_id": "a", "event_time": "2026-03-01T00:00:02.000Z", "items": [3, 1], "ranking": "blend"},
    {"user_id": 7, "request_id": "b", "event_time": "2026-03-01T00:00:01.000Z", "items": [9], "ranking": "blend"},
    {"user_id": 8, "request_id": "c", "event_time": "2026-03-01T00:00:09.000Z", "items": [5], "ranking": "blend"},
]


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[dict[str, Any]]]:
    held = {"recommender-answers": ANSWERS, "media-articles": [{"item_id": 3, "title": "棚と台所"}]}

    @contextlib.contextmanager
    def reader(settings: object, topic: str) -> Iterator[Any]:
        if topic not in held:
            raise UsageError(f"there is no topic {topic}")

        class Records:
            def all(self) -> list[Record]:
                return [Record(0, n, 0, None, json.dumps(row).encode()) for n, row in enumerate(held[topic])]

        yield Records()

    monkeypatch.setattr(recommend, "reader", reader)
    return held


def test_the_newest_list_is_shown(topics: dict[str, list[dict[str, Any]]]) -> None:
    shown = CliRunner().invoke(app, ["--user", "7"])
    assert shown.exit_code == 0 and "棚と台所" in shown.stdout
    assert "by blend, asked at 2026-03-01T00:00:02" in shown.stdout
    del topics["media-articles"]
    told = json.loads(CliRunner().invoke(app, ["--user", "7", "--json"]).stdout)
    assert (told["items"], told["titles"], told["request_id"]) == ([3, 1], [None, None], "a")


def test_a_user_without_a_list(topics: dict[str, list[dict[str, Any]]]) -> None:
    error = CliRunner().invoke(app, ["--user", "9"]).exception
    assert isinstance(error, UsageError) and str(error).startswith("recommender-answers has no list of user 9")
