"""Learning from late labels is exact under failure: predictions, outcomes, decisions and metrics, bit for bit.

One job has a learner, champion and challengers, and metrics of what those served, all over the same two tables.
"""

from __future__ import annotations

import heapq
import json
import random
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.stack import Stack
from jobs.stack.processes import wait_until
from jobs.submit import submit
from models.learners import learner
from models.metrics import PrequentialMetrics
from tests.cluster.chaos import RECOVERY_S, Chaos, Watched
from tests.cluster.live_input import LiveInput
from tests.cluster.replay import iso, milliseconds
from tests.unit.udfs.label_oracle import Event, Out, SideBySide, expected

#: So that the contest is more than its beginning.
DECIDED = Counter(promote=3, keep=5)
TIMEOUT_MS = 6_000
CANDIDATES: list[dict[str, Any]] = [{"algorithm": "logistic", "learning_rate": rate} for rate in (1e-6, 0.1)]
RULES = {"minimum_rows": 50, "cool_down": 50, "comparison_rows": 400, "rollback_rows": 80}

PIPELINE = """
SET 'cutbank.snapshot.records' = '300';
CREATE TABLE shown (id STRING NOT NULL, campaign STRING NOT NULL, event_time TIMESTAMP_LTZ(3) NOT NULL, x DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND) WITH ({kafka}, 'topic' = '{prefix}-shown');
CREATE TABLE clicks (id STRING NOT NULL, campaign STRING NOT NULL, event_time TIMESTAMP_LTZ(3) NOT NULL, clicked INT,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND) WITH ({kafka}, 'topic' = '{prefix}-clicks');
CREATE TABLE out_rows (id STRING, campaign STRING, at_ms BIGINT, kind STRING, probability DOUBLE, version BIGINT,
    label DOUBLE, lag_ms BIGINT) WITH (
    'connector' = 'kafka', 'topic' = '{prefix}-rows',
    'properties.bootstrap.servers' = '${{bootstrap_servers:-localhost:19092}}', 'key.format' = 'raw',
    'key.fields' = 'campaign', 'value.format' = 'json', 'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = '{prefix}-rows', 'properties.transaction.timeout.ms' = '900000');
CREATE TABLE contests (id STRING, campaign STRING, at_ms BIGINT, kind STRING, champion BIGINT, probabilities STRING,
    version BIGINT, label DOUBLE, lag_ms BIGINT, evidence STRING) WITH (
    'connector' = 'kafka', 'topic' = '{prefix}-contests',
    'properties.bootstrap.servers' = '${{bootstrap_servers:-localhost:19092}}', 'key.format' = 'raw',
    'key.fields' = 'campaign', 'value.format' = 'json', 'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = '{prefix}-contests', 'properties.transaction.timeout.ms' = '900000');
CREATE TABLE measured (id STRING, campaign STRING, n BIGINT, accuracy DOUBLE, log_loss DOUBLE, roc_auc DOUBLE) WITH (
    'connector' = 'kafka', 'topic' = '{prefix}-measured',
    'properties.bootstrap.servers' = '${{bootstrap_servers:-localhost:19092}}', 'key.format' = 'raw',
    'key.fields' = 'campaign', 'value.format' = 'json', 'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = '{prefix}-measured', 'properties.transaction.timeout.ms' = '900000');

CREATE VIEW contested AS SELECT * FROM CHAMPION_CHALLENGER(
    input => TABLE shown PARTITION BY campaign, labels => TABLE clicks PARTITION BY campaign,
    on_time => DESCRIPTOR(event_time), id => DESCRIPTOR(id), features => DESCRIPTOR(x), label => DESCRIPTOR(clicked),
    label_timeout => INTERVAL '6' SECOND, max_pending => 400,
    candidates => '[{{"algorithm": "logistic", "learning_rate": 1e-6}},
                    {{"algorithm": "logistic", "learning_rate": 0.1}}]',
    minimum_rows => 50, cool_down => 50, comparison_rows => 400, rollback_rows => 80);

INSERT INTO contests
SELECT id, campaign, EXTRACT(EPOCH FROM event_time) * 1000 + EXTRACT(MILLISECOND FROM event_time), kind, champion,
    probabilities, model_version, label, label_lag_ms, evidence
FROM contested;

INSERT INTO measured
SELECT id, campaign, n, accuracy, log_loss, roc_auc
FROM PREQUENTIAL_METRICS(
    input => (SELECT id, campaign, event_time, label, probability FROM contested
              WHERE kind = 'outcome' AND label_lag_ms >= 0) PARTITION BY campaign,
    on_time => DESCRIPTOR(event_time), window => 100);

INSERT INTO out_rows
SELECT id, campaign, EXTRACT(EPOCH FROM event_time) * 1000 + EXTRACT(MILLISECOND FROM event_time), kind, probability,
    model_version, label, label_lag_ms
FROM ONLINE_CLASSIFIER(
    input => TABLE shown PARTITION BY campaign, labels => TABLE clicks PARTITION BY campaign,
    on_time => DESCRIPTOR(event_time), id => DESCRIPTOR(id), features => DESCRIPTOR(x), label => DESCRIPTOR(clicked),
    label_timeout => INTERVAL '6' SECOND, negative_after_timeout => TRUE, learning_rate => 0.1, max_pending => 400);
"""

KAFKA = (
    "'connector' = 'kafka', 'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}', "
    "'scan.startup.mode' = 'earliest-offset', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601'"
)


class _Clicks(LiveInput):
    """Impressions at a steady pace, and labels when they are due: some early, doubled, revised, too late, or never."""

    def __init__(self, send: Callable[[str, list[dict[str, Any]], int], None], **given: Any) -> None:
        super().__init__(self._with_labels, **given)
        self._send, self._dice = send, random.Random(5)
        self._due: list[tuple[int, int, dict[str, Any]]] = []
        self.labels = 0

    def record(self, i: int) -> dict[str, Any]:
        base = super().record(i)
        row = {"id": f"i{i}", "campaign": base["device"], "event_time": base["event_time"], "x": base["volume"]}
        for _ in range(self._dice.choice([0, 0, 1, 1, 1, 2])):
            at = milliseconds(row["event_time"]) + round(self._dice.gauss(2_500, 2_000))
            label = {"id": row["id"], "campaign": row["campaign"], "clicked": int(base["volume"] > 10.0)}
            label["clicked"] ^= self._dice.random() < 0.1
            heapq.heappush(self._due, (at, len(self._due) + 10 * i, label))
        return row

    def _with_labels(self, values: list[dict[str, Any]], partition: int) -> None:
        closing = [value for value in values if value["campaign" if "campaign" in value else "device"] == "closing"]
        if closing:  # a last record of each table and partition, so that every window closes
            row = {"id": "closing", "campaign": "closing", "event_time": closing[0]["event_time"]}
            self._send("shown", [{**row, "x": 0.0}], partition)
            self._send("clicks", [{**row, "clicked": 0}], partition)
            return
        self._send("shown", values, partition)
        newest = self.start_ms + self.sent * self.spread_ms
        labels: dict[int, list[dict[str, Any]]] = {0: [], 1: []}
        while self._due and self._due[0][0] <= newest:
            at, _, label = heapq.heappop(self._due)
            if at > newest - 500:  # an early one may lie before its input, but not before the watermark
                labels[self._dice.randrange(2)].append({**label, "event_time": iso(at)})
        for to, rows in labels.items():
            if rows:
                self.labels += len(rows)
                self._send("clicks", rows, to)


class _Logistic:
    def __init__(self) -> None:
        self.pool = learner("logistic", columns=1, learning_rate=0.1)
        self.slot = np.array([self.pool.open()], np.int32)

    def predict(self, features: tuple[float, ...]) -> float:
        return float(self.pool.predict(self.slot, np.array([0]), np.array([features]))[0])

    def learn(self, time_ms: int, features: tuple[float, ...], label: float) -> None:
        self.pool.learn(self.slot, np.array([time_ms]), np.array([features]), np.array([label]))


@pytest.mark.kills
def test_late_labels_are_exact_under_failure(
    stack: Stack, tmp_path: Path, produce: Callable[..., None], read_committed: Callable[..., list[Any]]
) -> None:
    prefix = f"late-{uuid.uuid4().hex[:6]}"
    file = tmp_path / "late_labels.sql"
    file.write_text(PIPELINE.format(kafka=KAFKA, prefix=prefix))
    submitted = submit(stack.settings, file, {})
    source = _Clicks(
        lambda topic, values, partition: produce(
            f"{prefix}-{topic}", values, key=lambda value: value["campaign"].encode(), partition=partition
        ),
        keys=6, records=1_000_000, rate=125.0, seed=3, spread_ms=8,
    )  # fmt: skip
    source.start()
    job = Watched(stack, submitted.job_id, f"{prefix}-rows")
    chaos = Chaos(stack, [job], seed=2)
    try:
        chaos.kill_all()

        def decisions() -> Counter[str]:
            rows = (json.loads(record.value) for record in read_committed(f"{prefix}-contests", timeout_s=0))
            return Counter(json.loads(row["evidence"])["decision"] for row in rows if row["kind"] == "decision")

        assert wait_until(lambda: decisions() >= DECIDED, 120, every_s=2.0), decisions()
        source.end()
        inputs = read_committed(f"{prefix}-shown", at_least=source.sent + 2)
        labels = read_committed(f"{prefix}-clicks", at_least=source.labels + 2)
        events = [_event(record, 0) for record in inputs] + [_event(record, 1) for record in labels]
        wanted = expected(
            (event for event in events if event.key != "closing"),
            1_000, timeout_ms=TIMEOUT_MS, negative=True, limit=400, model=_Logistic,
        )  # fmt: skip
        written = read_committed(f"{prefix}-rows", at_least=len(wanted), timeout_s=RECOVERY_S)
        contest = expected(
            (event for event in events if event.key != "closing"),
            1_000, timeout_ms=TIMEOUT_MS, limit=400, model=lambda: SideBySide(CANDIDATES, 1, **RULES),
        )  # fmt: skip
        contested = read_committed(f"{prefix}-contests", at_least=len(contest), timeout_s=RECOVERY_S)
        labelled = sum(_is_measured(out) for out in contest)
        measured = read_committed(f"{prefix}-measured", at_least=labelled, timeout_s=RECOVERY_S)
        closed = sum(out.kind == "outcome" for out in wanted)
        # both calls have the same predictions, and the same of them wait
        waiting = 2 * (sum(out.kind == "prediction" for out in wanted) - closed)
        # predictions are joined, timed out, or wait; the REST interface shows metrics that may be ten seconds old
        assert wait_until(lambda: job.metric("pending") == waiting, 60), (job.metric("pending"), waiting)
    finally:
        source.stopped.set()
        stack.rest.cancel(submitted.job_id)
        stack.rest.wait_for_end(submitted.job_id)
    ids = {event.order: event.id for event in events if event.kind == 0}
    expected_rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for out in wanted:
        expected_rows[out.key].append((ids[out.of], *out[2:]))
    got: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for record in written:
        row = json.loads(record.value)
        names = ("id", "kind", "at_ms", "probability", "version", "label", "lag_ms")
        got[row["campaign"]].append(tuple(row.get(name) for name in names))
    for campaign, rows in expected_rows.items():
        assert got[campaign] == rows, campaign  # in the order of the topic too
    assert set(got) == set(expected_rows)
    _assert_contest(contest, contested, ids)
    _assert_measures(contest, measured, ids)
    kinds = Counter((out.kind, out.label, out.lag_ms is None) for out in wanted)
    assert len(kinds) == 4 and min(kinds.values()) > 20, kinds
    for topic in ("shown", "clicks"):
        assert not read_committed(f"{prefix}-{topic}-late", timeout_s=0)
    assert job.replayed_behind_snapshots, f"no kill fell on a log behind a snapshot: {job.replays}"


def _assert_contest(contest: list[Out], written: list[Any], ids: dict[int, str]) -> None:
    """What every candidate said, who served, and every decision with its evidence, in order for each campaign."""
    expected_rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for out in contest:
        if out.kind == "decision":
            row = (ids[out.of], "decision", out.time_ms, out.prediction["champion"], None, None, None, None)
            expected_rows[out.key].append((*row, out.prediction))
        else:
            champion, *said = out.prediction
            row = (ids[out.of], out.kind, out.time_ms, champion, said, out.version, out.label, out.lag_ms)
            expected_rows[out.key].append((*row, None))
    got: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for record in written:
        row = json.loads(record.value)
        said, evidence = (row.get(name) and json.loads(row[name]) for name in ("probabilities", "evidence"))
        names = ("id", "kind", "at_ms", "champion")
        rest = tuple(row.get(name) for name in ("version", "label", "lag_ms"))
        got[row["campaign"]].append((*(row.get(name) for name in names), said, *rest, evidence))
    for campaign, rows in expected_rows.items():
        assert got[campaign] == rows, campaign
    assert set(got) == set(expected_rows)
    decided = Counter(out.prediction["decision"] for out in contest if out.kind == "decision")
    assert decided >= DECIDED, decided


def _is_measured(out: Out) -> bool:
    """Outcomes that a label brought about: two of them have an order even at one time, by their place in one topic."""
    return out.kind == "outcome" and out.lag_ms is not None and out.lag_ms >= 0


def _assert_measures(contest: list[Out], written: list[Any], ids: dict[int, str]) -> None:
    """Metrics of what was served, behind every outcome, are those of all its campaign's outcomes in order."""
    outcomes: dict[str, list[Out]] = defaultdict(list)
    for out in contest:
        if _is_measured(out):
            outcomes[out.key].append(out)
    got: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for record in written:
        row = json.loads(record.value)
        got[row["campaign"]].append(tuple(row.get(name) for name in ("id", "n", "accuracy", "log_loss", "roc_auc")))
    for campaign, outs in outcomes.items():
        said = np.array([out.prediction[1 + out.prediction[0]] for out in outs])
        found = PrequentialMetrics(window=100).process(np.array([out.label for out in outs], float), said)
        columns = [
            [None if v != v else v for v in found[name].tolist()] for name in ("accuracy", "log_loss", "roc_auc")
        ]
        rows = zip([ids[out.of] for out in outs], found["n"].astype(int).tolist(), *columns, strict=True)
        assert got[campaign] == list(rows), campaign
    assert set(got) == set(outcomes)


def _event(record: Any, kind: int) -> Event:
    row = json.loads(record.value)
    order = record.partition * 2**48 + record.offset
    at, key = milliseconds(row["event_time"]), row["campaign"]
    if kind == 0:
        return Event(at, 0, order, key, row["id"], (row["x"],))
    return Event(at, 1, order, key, row["id"], (), float(row["clicked"]))
