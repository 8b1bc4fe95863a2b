"""A result is the same whatever the pack interval and the parallelism: two models and a window behind each other."""

from __future__ import annotations

import json
import math
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from jobs.stack import Stack
from jobs.stack.processes import wait_until
from jobs.submit import submit
from tests.cluster.live_input import LiveInput
from tests.cluster.replay import forest_scores, in_model_order, iso, milliseconds

RECORDS, RATE, KEYS = 6_000, 300.0, 24
FOREST = {"trees": 30, "sample_size": 32, "time_decay": 1000, "seed": 3}
BATCHES, PARALLELISMS = ("0.2", "1", "10"), (1, 2)

SOURCE = """
SET 'table.exec.source.idle-timeout' = '${idle}';
CREATE TABLE loudness (
    device STRING NOT NULL, event_time TIMESTAMP_LTZ(3), volume DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND
) WITH (
    'connector' = 'kafka', 'topic' = '${input}', 'properties.bootstrap.servers' = '${bootstrap_servers}',
    'scan.startup.mode' = 'earliest-offset', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601',
    'cutbank.rejects.topic' = '${output}-rejects', 'cutbank.late.topic' = '${output}-late');
"""

#: Both models and the window with one pack interval; several of them make one job.
BRANCH = """
CREATE VIEW first_model_{n} AS
SELECT device, event_time, volume, anomaly_score AS first_score FROM RANDOM_CUT_FOREST(
    input => TABLE loudness PARTITION BY device, on_time => DESCRIPTOR(event_time), columns => DESCRIPTOR(volume),
    trees => 30, sample_size => 32, time_decay => 1000, seed => 3, batch => INTERVAL '{batch}' SECOND,
    uid => 'first-{n}');

CREATE VIEW second_model_{n} AS
SELECT * FROM RANDOM_CUT_FOREST(
    input => TABLE first_model_{n} PARTITION BY device, on_time => DESCRIPTOR(event_time),
    columns => DESCRIPTOR(volume, first_score),
    trees => 30, sample_size => 32, time_decay => 1000, seed => 3, batch => INTERVAL '{batch}' SECOND,
    uid => 'second-{n}');

CREATE TABLE scores_{n} (
    device STRING, event_time STRING, volume DOUBLE, first_score DOUBLE, second_score DOUBLE
) WITH (
    'connector' = 'kafka', 'topic' = '${{output}}-{n}', 'properties.bootstrap.servers' = '${{bootstrap_servers}}',
    'key.format' = 'raw', 'key.fields' = 'device', 'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '${{output}}-{n}',
    'properties.transaction.timeout.ms' = '900000');

CREATE TABLE windows_{n} (device STRING, window_start STRING, records BIGINT, loudest DOUBLE, highest DOUBLE) WITH (
    'connector' = 'kafka', 'topic' = '${{output}}-{n}-windows',
    'properties.bootstrap.servers' = '${{bootstrap_servers}}',
    'key.format' = 'raw', 'key.fields' = 'device', 'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '${{output}}-{n}-windows',
    'properties.transaction.timeout.ms' = '900000');

INSERT INTO scores_{n}
SELECT device, DATE_FORMAT(event_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), volume, first_score, anomaly_score
FROM second_model_{n};

INSERT INTO windows_{n}
SELECT device, DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), COUNT(*), MAX(volume), MAX(anomaly_score)
FROM TABLE(TUMBLE(TABLE second_model_{n}, DESCRIPTOR(event_time), INTERVAL '5' SECOND))
GROUP BY device, window_start, window_end;
"""


class Pipelines:
    """Submits the pipeline of this module under a name, and ends it."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack, self.running = stack, dict[str, str]()
        self.file = folder / "two_models.sql"

    def start(self, name: str, batches: Sequence[str], parallelism: int, topic: str, idle: str) -> None:
        """One job; output of the first interval goes to the topics ``NAME-0`` and ``NAME-0-windows``, and so on."""
        self.file.write_text(SOURCE + "".join(BRANCH.format(n=n, batch=batch) for n, batch in enumerate(batches)))
        settings = self.stack.settings.model_copy(update={"parallelism": parallelism})
        values = {"input": topic, "output": name, "idle": idle}
        self.running[name] = submit(settings, self.file, values, name=name, fresh=True).job_id

    def end(self, name: str) -> None:
        job_id = self.running.pop(name)
        if self.stack.rest.job(job_id).is_live:
            self.stack.rest.cancel(job_id)
            self.stack.rest.wait_for_end(job_id)


@pytest.fixture
def pipelines(stack: Stack, tmp_path: Path) -> Iterator[Pipelines]:
    started = Pipelines(stack, tmp_path)
    yield started
    for name in list(started.running):
        started.end(name)


def _key(value: dict[str, Any]) -> bytes:
    return str(value["device"]).encode()


def _sender(produce: Callable[..., None], topic: str) -> Callable[[list[dict[str, Any]], int], None]:
    return lambda values, partition: produce(topic, values, key=_key, partition=partition)


def _expected(rows: list[dict[str, Any]]) -> tuple[dict[str, list[Any]], dict[tuple[str, str], list[Any]]]:
    """Scores by device in order, and windows by device and start: from the input alone, in plain Python."""
    scores: dict[str, list[Any]] = {}
    windows: dict[tuple[str, str], list[Any]] = defaultdict(lambda: [0, -math.inf, -math.inf])
    for device, scored in forest_scores(rows, "device", ("volume",), **FOREST).items():
        again = [{**row, "first_score": score} for row, score in scored]
        twice = forest_scores(again, "device", ("volume", "first_score"), **FOREST)[device]
        scores[device] = [[r["event_time"], r["volume"], r["first_score"], second] for r, second in twice]
        for moment, volume, _, second in scores[device]:
            window = windows[device, iso(milliseconds(moment) // 5000 * 5000)]
            window[0] += 1
            window[1:] = [max(window[1], volume), max(window[2], second)]
    return scores, windows


def test_packing_and_parallelism_do_not_show(
    pipelines: Pipelines,
    produce: Callable[..., None],
    new_topic: Callable[..., str],
    read_committed: Callable[..., list[Any]],
) -> None:
    topic = new_topic("disordered")
    source = LiveInput(_sender(produce, topic), keys=KEYS, records=RECORDS, rate=RATE, seed=5, spread_ms=8)
    source.start()  # the first job reads as the input comes, the later ones a backlog
    names = {parallelism: f"same-{parallelism}-{uuid.uuid4().hex[:6]}" for parallelism in PARALLELISMS}
    # on a busy machine records may stay away from one partition for long, and must not be late for it
    pipelines.start(names[1], BATCHES, 1, topic, idle="10 min")
    source.join(timeout=120)
    assert source.error is None
    pipelines.start(names[2], BATCHES, 2, topic, idle="10 min")
    rows = in_model_order(read_committed(topic, at_least=RECORDS + 2))
    ties = len(rows) - len({(row["device"], row["event_time"]) for row in rows})
    assert ties > 100, "the input has too few equal times to test their order"
    scores, windows = _expected([row for row in rows if row["device"] != "closing"])
    assert len(scores) == KEYS
    for run in product(PARALLELISMS, range(len(BATCHES))):
        output = f"{names[run[0]]}-{run[1]}"
        got: dict[str, list[Any]] = defaultdict(list)
        for record in read_committed(output, at_least=RECORDS, timeout_s=240):
            row = json.loads(record.value)
            got[row["device"]].append([row[c] for c in ("event_time", "volume", "first_score", "second_score")])
        got.pop("closing", None)
        assert {device: len(found) for device, found in got.items()} == {d: len(e) for d, e in scores.items()}, run
        for device, expected in scores.items():
            assert got[device] == expected, (run, device)
        counted = {}
        for record in read_committed(f"{output}-windows", at_least=len(windows), timeout_s=240):
            row = json.loads(record.value)
            if row["device"] != "closing":
                key = row["device"], row["window_start"]
                assert key not in counted, (run, key)
                counted[key] = [row["records"], row["loudest"], row["highest"]]
        assert counted == dict(windows), run
    for name in names.values():
        assert not read_committed(f"{name}-late", timeout_s=0), name


def test_windows_of_a_single_key_close_at_parallelism_two(
    pipelines: Pipelines,
    produce: Callable[..., None],
    new_topic: Callable[..., str],
    read_committed: Callable[..., list[Any]],
) -> None:
    """One key leaves one of the two subtasks without a row; its watermark must not hold the other's windows back."""
    topic, output = new_topic("single"), f"single-{uuid.uuid4().hex[:6]}"
    source = LiveInput(_sender(produce, topic), keys=1, records=100_000, rate=200.0, seed=9, spread_ms=5)
    pipelines.start(output, ("1",), 2, topic, idle="30 s")
    source.start()
    try:
        # windows close while the input goes on
        closed = read_committed(f"{output}-0-windows", at_least=3, timeout_s=90)
        assert source.is_alive()
        starts = [json.loads(record.value)["window_start"] for record in closed]
        assert len(starts) >= 3 and len(set(starts)) == len(starts)
        # at least the last of these windows ended well before the newest record: it did not wait for the end
        assert wait_until(lambda: source.end_ms > milliseconds(max(starts)) + 5000, 30)
    finally:
        source.stopped.set()
        source.join(timeout=30)
