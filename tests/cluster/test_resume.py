"""Stopped with a savepoint and run again, at another parallelism each time: the scores go on as if nothing had been."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.errors import UsageError
from jobs.settings import PROJECT_ROOT
from jobs.stack import Stack
from jobs.submit import stop, submit
from tests.cluster.live_input import LiveInput
from tests.cluster.replay import forest_scores, in_model_order

RECORDS = 1_500


def test_stop_and_run_again_at_other_parallelisms(
    stack: Stack,
    tmp_path: Path,
    produce: Callable[..., None],
    new_topic: Callable[..., str],
    read_committed: Callable[..., list[Any]],
) -> None:
    name = f"resume-{uuid.uuid4().hex[:6]}"
    topic = new_topic(name)
    text = (PROJECT_ROOT / "sql" / "loudness.sql").read_text().replace("'loudness", f"'{topic}")
    file = tmp_path / f"{name}.sql"
    # small logs: the savepoints hold snapshots and a log behind them
    file.write_text("SET 'cutbank.snapshot.records' = '200';\n" + text)
    sent = 0
    for turn, parallelism in enumerate((1, 2, 4)):
        submitted = submit(stack.settings.model_copy(update={"parallelism": parallelism}), file, {})
        assert (submitted.resumed_from is None) == (turn == 0)
        source = LiveInput(
            lambda values, partition: produce(topic, values, key=_key, partition=partition),
            keys=6, records=RECORDS, rate=0, seed=turn, spread_ms=10, start_ms=1_790_000_000_000 + turn * 120_000,
        )  # fmt: skip
        source.run()
        if turn == 0:
            with pytest.raises(UsageError, match="already running"):
                submit(stack.settings, file, {})
        sent += RECORDS
        # the closing record of a turn is scored in the next one
        assert len(read_committed(f"{topic}-scores", at_least=sent, timeout_s=120)) >= sent
        assert stop(stack.settings, name)
    rows = [row for row in in_model_order(read_committed(topic)) if row["device"] != "closing"]
    assert len(rows) == sent
    expected = forest_scores(rows, "device", ("volume",), trees=100, sample_size=256, seed=0)
    got: dict[str, list[Any]] = defaultdict(list)
    for record in read_committed(f"{topic}-scores"):
        row = json.loads(record.value)
        got[row["device"]].append((row["event_time"], row["volume"], row["anomaly_score"]))
    for device, scored in expected.items():
        assert got[device] == [(row["event_time"], row["volume"], score) for row, score in scored], device
    assert not read_committed(f"{topic}-late")
    with pytest.raises(UsageError, match="is not running"):
        stop(stack.settings, name)


def _key(value: dict[str, Any]) -> bytes:
    return str(value["device"]).encode()
