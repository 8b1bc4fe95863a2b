"""The counts of the clickstream demonstration: every impression, prediction and label is somewhere, once."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console

from jobs.demo.clickstream import CLICKS, CLICKSTREAM, DECISIONS, IMPRESSIONS, METRICS, Board, ClickSummary, count
from jobs.demo.clickstream_view import as_object, line, metrics_table, report
from jobs.stack.kafka_read import Record
from tests.cluster.replay import iso

START_MS = 1_790_000_000_000


def records(rows: list[dict[str, Any]]) -> list[Record]:
    return [Record(0, i, 0, None, json.dumps(row).encode()) for i, row in enumerate(rows)]


def at(second: float, of: int, **more: Any) -> dict[str, Any]:
    return {"impression_id": of, "event_time": iso(START_MS + round(1000 * second)), **more}


#: 0 is joined, 1 closed without a label, 2 waits, 3 is behind the last pack; so is the label of 2
IMPRESSIONS_IN = [at(0, 0), at(1, 1), at(4.2, 2), at(5.0, 3)]
LABELS_IN = [at(3, 0, clicked=1), at(5.5, 2, clicked=0)]
PREDICTIONS_OUT = [at(0, 0), at(1, 1), at(4.2, 2)]
OUTCOMES_OUT = [at(3, 0, label=1.0, label_lag_ms=3000), at(4, 1, label=None)]


def counted(**changed: Any) -> Any:
    topics = {"impressions": IMPRESSIONS_IN, "labels": LABELS_IN, "predictions": PREDICTIONS_OUT,
              "outcomes": OUTCOMES_OUT}  # fmt: skip
    rows = {name: records(changed.pop(name, given)) for name, given in topics.items()}
    return count(**rows, **changed)


def test_everything_is_somewhere() -> None:
    counts = counted()
    assert (counts.read, counts.predicted, counts.unpacked) == (4, 3, 1)
    assert (counts.joined, counts.closed, counts.pending) == (1, 1, 1)
    assert (counts.labels, counts.labels_unpacked) == (2, 1)
    assert counts.consistent


def test_what_is_lost_or_doubled_is_found() -> None:
    assert not counted(predictions=PREDICTIONS_OUT[1:]).consistent, "a prediction is missing"
    assert not counted(predictions=[*PREDICTIONS_OUT, PREDICTIONS_OUT[2]]).consistent, "a prediction is doubled"
    assert not counted(outcomes=[*OUTCOMES_OUT, OUTCOMES_OUT[0]]).consistent, "an outcome is doubled"
    assert not counted(outcomes=OUTCOMES_OUT[1:]).consistent, "a label was not joined"
    assert not counted(outcomes=[*OUTCOMES_OUT, at(4, 7, label_lag_ms=1)]).consistent, "an outcome of nothing"
    assert not counted(impressions=IMPRESSIONS_IN[1:]).consistent, "an impression is missing"
    refused = [*IMPRESSIONS_IN, at(2, 9)]
    assert not counted(impressions=refused).consistent
    assert counted(impressions=refused, late=1).consistent and counted(impressions=refused, rejected=1).consistent
    assert counted(labels=[*LABELS_IN, at(0.5, 9)], labels_refused=1).consistent


def test_nothing_at_all_adds_up_but_is_no_success() -> None:
    counts = counted(impressions=[], labels=[], predictions=[], outcomes=[])
    assert counts.consistent
    assert ClickSummary(counts, {}, {}, None, None, 1.0, False).exit_code == 1


def test_the_summary_tells_the_counts_and_the_metrics() -> None:
    metrics = {"campaign-1": {"n": 1000, "accuracy": 0.75, "baseline_prior": 0.5}}
    summary = ClickSummary(counted(), metrics, {"promote": 3}, "/page.html", "/savepoint", 60.0, True)
    out = Console(record=True, width=200)
    report(summary, out)
    text = out.export_text()
    for words in ("4 read = 3 predicted", "3 = 1 joined with their label + 1 without one in time + 1 pending",
                  "campaign-1", "0.750", "3 took over, 0 came", "/page.html", "everything is accounted"):  # fmt: skip
        assert words in text
    shown = as_object(summary)
    assert shown["consistent"] and shown["pending"] == 1 and summary.exit_code == 0
    assert shown["decisions"] == {"promote": 3} and shown["report"] == "/page.html"


def test_a_board_counts_records_and_keeps_the_newest_metrics() -> None:
    board = Board()
    board.add(IMPRESSIONS, [b"{}", b"{}"])
    rows = [
        {"campaign": "a", "series": "served", "accuracy": 0.1, "champion": 0},
        {"campaign": "a", "series": "served", "accuracy": 0.5, "champion": 2},
        {"campaign": "all", "series": "served", "accuracy": 0.6, "champion": 1},
        {"campaign": "all", "series": "model 1", "accuracy": 0.9, "champion": 1},
    ]
    board.add(METRICS, [json.dumps(row).encode() for row in rows])
    board.add(DECISIONS, [json.dumps({"decision": what}).encode() for what in ("promote", "keep", "promote")])
    assert board.metrics["a"]["accuracy"] == 0.5 and board.decisions == {"promote": 2, "keep": 1}
    assert line(board).startswith("2 impressions") and line(board).endswith("accuracy 0.600")
    out = Console(record=True, width=200)
    out.print(metrics_table(board.metrics))
    text = out.export_text().splitlines()
    (own,), (every,) = ([line for line in text if f" {name} " in line] for name in ("a", "all"))
    assert " 2 " in own and "0.500" in own and " 1 " not in every and "0.600" in every


def test_the_demo_knows_all_topics_of_its_pipeline() -> None:
    text = CLICKSTREAM.file.read_text()
    for topic in CLICKSTREAM.topics:
        assert f"'topic' = '{topic}'" in text or topic.endswith(("-rejects", "-late", "-truth")), topic
    assert text.count("'topic' = ") == len([t for t in CLICKSTREAM.topics if f"'topic' = '{t}'" in text])
    assert CLICKS in CLICKSTREAM.topics
