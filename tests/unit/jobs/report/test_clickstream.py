"""The report of the clickstream pipeline: what its page says is what the topics say."""

from __future__ import annotations

import json
import math
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from jobs.errors import UsageError
from jobs.report import clickstream
from jobs.report.clickstream import FILE, LAGS, Clickstream, model_names, page_of, read_topics, write_report
from jobs.report.page import Picture, Table
from jobs.settings import Settings
from jobs.stack.kafka_read import Record
from tests.cluster.replay import iso

START_MS = 1_790_000_000_000
CAMPAIGNS = ("campaign-1", "campaign-2", "campaign-3")


def window(number: int, campaign: str, series: str, of: int = 0) -> dict[str, Any]:
    """A window that gets better with time, differently for each series."""
    good = 1 - math.exp(-number / 4)
    accuracy = 0.5 + (0.30 + 0.02 * of) * good + 0.01 * math.sin(3 * number + 7 * of)
    return {
        "campaign": campaign, "series": series, "window_end": iso(START_MS + 10_000 * (number + 1)),
        "champion": 1 if number > 3 else 0, "n": min(1_000, 150 * (number + 1)), "accuracy": accuracy,
        "f1": accuracy - 0.01, "kappa": 2 * accuracy - 1, "log_loss": 0.69 - 0.25 * good + 0.01 * of, "brier": 0.2,
        "roc_auc": accuracy + 0.05, "calibration_error": 0.03, "baseline_last_class": 0.502, "baseline_prior": 0.51,
    }  # fmt: skip


def evidence(campaign: str, second: float, decision: str, champion: int, before: int) -> dict[str, Any]:
    told = {"decision": decision, "champion": champion, "before": before, "candidate": champion, "e_value": 123.4,
            "needed": 120.0, "gain": 0.0456, "gain_at_least": 0.0012, "rows": 1_234, "squares": 40.0}  # fmt: skip
    at = iso(START_MS + round(1_000 * second))
    return {"campaign": campaign, "event_time": at, "decision": decision, "champion": champion, "evidence": told}


def found(windows: int = 12, **changed: Any) -> Clickstream:
    metrics = []
    for number in range(windows):
        metrics += [window(number, campaign, "served", k) for k, campaign in enumerate(CAMPAIGNS)]
        metrics.append(window(number, "all", "served", 1))
        metrics += [window(number, "all", f"model {k}", k) for k in range(3)]
        metrics += [window(number, "all", lag, k) for k, lag in enumerate(LAGS[:4]) if number >= k]
    decisions = [
        evidence("campaign-1", 20, "promote", 1, 0),
        evidence("campaign-2", 33, "promote", 1, 0),
        evidence("campaign-1", 70, "promote", 2, 1),
        evidence("campaign-1", 95, "rollback", 1, 2),
    ]
    minutes = [
        {"campaign": campaign, "window_start": iso(START_MS // 60_000 * 60_000 + 60_000 * m), "impressions": 600,
         "clicks": 300 + 10 * m, "click_through_rate": 0.5 + 0.02 * m}
        for m in range(3) for campaign in CAMPAIGNS
    ]  # fmt: skip
    given = {"metrics": metrics, "decisions": decisions, "minutes": minutes,
             "models": ("logistic, rate 0.001", "logistic, rate 0.05", "naive bayes"), **changed}  # fmt: skip
    return Clickstream(**given)


def test_every_curve_and_every_decision_is_there() -> None:
    page = page_of(found())
    names = [picture.name for picture in page.pictures()]
    assert names == ["accuracy", "f1", "log-loss", "models", "champions", "by-lag", "rate"]
    shown = page.html()
    assert [tile.value for tile in page.tiles][-1] == "3", "promotions"
    last = window(11, "all", "served", 1)
    assert page.tiles[0].value == f"{last['accuracy']:.3f}" and page.tiles[0].note == "better baseline 0.510"
    tables = [part for section in page.sections for part in section.parts if isinstance(part, Table)]
    decisions, lags, newest = tables
    assert [row[1:4] for row in decisions.rows] == [
        ["campaign-1", "promote", "1: logistic, rate 0.05"],
        ["campaign-2", "promote", "1: logistic, rate 0.05"],
        ["campaign-1", "promote", "2: naive bayes"],
        ["campaign-1", "rollback", "1: logistic, rate 0.05"],
    ]
    assert decisions.rows[0][4:] == ["1,234", "0.0456", "0.0012", "123 of 120"]
    assert [row[0] for row in lags.rows] == ["under 1 s", "1 to 3 s", "3 to 10 s", "10 to 60 s"]
    assert [row[0] for row in newest.rows] == [*CAMPAIGNS, "all"]
    for lag in ("under 1 s", "10 to 60 s"):
        assert shown.count(lag) >= 2, "in the legend and in the table"


def test_bars_of_champions_cover_the_whole_time_of_each_campaign() -> None:
    """Read back from the drawing: every campaign's bars lie side by side from the first moment to the last."""
    (picture,) = [each for each in page_of(found()).pictures() if each.name == "champions"]
    paths = re.findall(r'<path d="M ([\d.]+) ([\d.]+) \nL ([\d.]+) [\d.]+ [^"]*z\n" clip-path="[^"]*" style="fill',
                       picture.svg)  # fmt: skip
    rows: dict[str, list[tuple[float, float]]] = {}
    for left, top, right in paths:
        rows.setdefault(top, []).append((float(left), float(right)))
    assert sorted(map(len, rows.values())) == [1, 2, 4]
    spans = set()
    for bars in rows.values():
        assert all(abs(a[1] - b[0]) < 0.01 for a, b in pairwise(bars)), "a gap"
        spans.add((round(bars[0][0], 1), round(bars[-1][1], 1)))
    assert len(spans) == 1


def test_one_window_and_no_decision_are_enough_for_a_page(tmp_path: Path) -> None:
    page = page_of(found(1, decisions=[], minutes=[], models=()))
    assert [picture.name for picture in page.pictures()] == [
        "accuracy",
        "f1",
        "log-loss",
        "models",
        "champions",
        "by-lag",
    ]
    assert "model 0" in page.html()
    assert page.write(tmp_path)[0].stat().st_size > 10_000


def test_only_undefined_metrics_do_not_stop_it() -> None:
    bare = [{"campaign": "c", "series": "served", "window_end": iso(START_MS), "n": 1, "accuracy": None}]
    page = page_of(Clickstream(bare, [], []))
    assert page.tiles[0].value == "-" and all(isinstance(each, Picture) for each in page.pictures())


def test_models_are_called_as_in_the_pipeline(tmp_path: Path) -> None:
    names = model_names(FILE)
    assert names[:2] == ["logistic, rate 0.001", "logistic, rate 0.05"] and "hoeffding tree" in names
    plain = tmp_path / "plain.sql"
    plain.write_text("CREATE TABLE a (x INT) WITH ('connector' = 'datagen');\nINSERT INTO b SELECT * FROM a;\n")
    assert model_names(plain) == []


class _Topics:
    """A broker's topics, by name."""

    def __init__(self, **topics: list[dict[str, Any]]) -> None:
        self.topics = topics

    def __call__(self, settings: Settings, topic: str) -> _Topics:
        self.asked = topic
        return self

    def __enter__(self) -> _Topics:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def all(self) -> list[Record]:
        rows = self.topics[self.asked.replace("-", "_")]
        return [Record(0, i, 0, None, json.dumps(row).encode()) for i, row in enumerate(rows)]


def test_topics_are_read_in_the_order_of_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = found()
    decisions = [{**row, "evidence": json.dumps(row["evidence"])} for row in reversed(whole.decisions)]
    topics = _Topics(
        clickstream_metrics=[dict(row) for row in reversed(whole.metrics)],
        clickstream_decisions=decisions,
        clickstream_minutes=[dict(row) for row in reversed(whole.minutes)],
    )
    monkeypatch.setattr(clickstream, "reader", topics)
    read = read_topics(Settings())
    assert [row["decision"] for row in read.decisions] == ["promote"] * 3 + ["rollback"]
    assert read.series("all", "served") == whole.series("all", "served")
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(UsageError, match=r"cannot write to .*; name another --out"):
        write_report(Settings(), blocked)
    topics.topics["clickstream_metrics"] = []
    with pytest.raises(UsageError, match=r"clickstream-metrics has no records: .*make demo-clickstream"):
        read_topics(Settings())
