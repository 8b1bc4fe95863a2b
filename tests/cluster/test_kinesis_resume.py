"""An application of Kinesis SQL, stopped and run again: ROWTIME is that of the records, and what is silent closes.

ROWTIME is the timestamp of the Kafka record, given once: through two pumps, a model and a restart at another
parallelism. A visitor who falls silent, and a cursor whose rows end, are closed by the time of the other rows.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from jobs.kinesis.application import compile_file
from jobs.kinesis.sources import parse_sources
from jobs.stack import Stack
from jobs.submit import stop, submit
from models.random_cut_forest import RandomCutForest

APPLICATION = """
CREATE STREAM "SCORED" ("id" VARCHAR(8), "at" TIMESTAMP, "score" DOUBLE);
CREATE PUMP p1 AS INSERT INTO "SCORED" SELECT STREAM "id", ROWTIME, ANOMALY_SCORE
FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM "id", "volume" FROM "SOURCE_SQL_STREAM_001"), 30, 10, 100));
CREATE STREAM "OUT" ("id" VARCHAR(8), "at" TIMESTAMP, "rowtime" TIMESTAMP, "score" DOUBLE);
CREATE PUMP p2 AS INSERT INTO "OUT" SELECT STREAM "id", "at", ROWTIME, "score" FROM "SCORED";
CREATE STREAM "VISITS" ("device" VARCHAR(8), "n" INTEGER, "first" VARCHAR(8), "last" VARCHAR(8));
CREATE PUMP p3 AS INSERT INTO "VISITS"
SELECT STREAM "device", COUNT(*), FIRST_VALUE("id"), LAST_VALUE("id") FROM "SOURCE_SQL_STREAM_001"
WINDOWED BY STAGGER (PARTITION BY "device" RANGE INTERVAL '2' SECOND);
CREATE STREAM "RANKS" ("id" VARCHAR(8), "rank" INTEGER);
CREATE PUMP p4 AS INSERT INTO "RANKS" SELECT STREAM "id", "rank" FROM TABLE(GROUP_RANK(
  CURSOR(SELECT STREAM "id", "volume" FROM "SOURCE_SQL_STREAM_001" WHERE "device" = 'quiet'),
  'volume', 'rank', 'desc', 'asc', 100, 0));
"""

SOURCES = """
[sources."SOURCE_SQL_STREAM_001"]
topic = "{topic}"
columns = [
  {{ name = "id", type = "VARCHAR(8)" }},
  {{ name = "device", type = "VARCHAR(8)" }},
  {{ name = "volume", type = "DOUBLE" }},
]
[destinations]
"OUT" = {{ topic = "{topic}-out" }}
"VISITS" = {{ topic = "{topic}-visits" }}
"RANKS" = {{ topic = "{topic}-ranks" }}
"""

START_MS = 1_790_000_000_000
TURN, STEP_MS = 300, 20


def turn(number: int) -> list[dict[str, Any]]:
    """The records of a turn: six seconds of them, in the first second of the first turn two of a quiet visitor."""
    dice = np.random.default_rng(number)
    rows = []
    for i in range(TURN):
        at = START_MS + 60_000 * number + STEP_MS * i
        device = "quiet" if number == 0 and i in (10, 11) else f"d{i % 3}"
        # the two of the quiet visitor come at the same time, so that they are ranked
        at -= STEP_MS if device == "quiet" and i == 11 else 0
        rows.append({"id": f"{number}.{i}", "device": device, "volume": round(dice.normal(), 3), "ms": at})
    end = START_MS + 60_000 * number + 30_000
    return [*rows, *({"id": f"{number}.end", "device": "closing", "volume": 0.0, "ms": end} for _ in range(2))]


def text_of(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def test_rowtime_is_given_once_and_what_is_silent_closes(
    stack: Stack,
    tmp_path: Path,
    produce: Callable[..., None],
    new_topic: Callable[..., str],
    read_committed: Callable[..., list[Any]],
) -> None:
    topic = new_topic(f"silent-{uuid.uuid4().hex[:6]}")
    application = tmp_path / f"{topic.replace('-', '_')}.sql"
    application.write_text(APPLICATION)
    pipeline = tmp_path / "compiled" / application.name
    pipeline.parent.mkdir()
    compiled = compile_file(application, parse_sources(SOURCES.format(topic=topic)))
    pipeline.write_text("SET 'cutbank.snapshot.records' = '100';\n" + compiled.text)

    def values(of: str, at_least: int) -> list[dict[str, Any]]:
        return [json.loads(r.value) for r in read_committed(f"{topic}-{of}", at_least=at_least, timeout_s=120)]

    for number, parallelism in enumerate((1, 2)):
        submitted = submit(stack.settings.model_copy(update={"parallelism": parallelism}), pipeline, {})
        assert (submitted.resumed_from is None) == (number == 0)
        rows = turn(number)
        for partition in (0, 1):
            produce(topic, rows[partition::2], partition=partition, timestamp_ms=lambda row: row["ms"])
        # all but the closing records, of which those of the turn before have been closed by now
        assert len(values("out", TURN * (number + 1) + 2 * number)) == TURN * (number + 1) + 2 * number
        if number == 0:
            # nothing of them comes any more, and the job goes on
            quiet = [visit for visit in values("visits", 4) if visit["device"] == "quiet"]
            assert quiet == [{"device": "quiet", "n": 2, "first": "0.10", "last": "0.11"}]
            first, second = sorted(rows[10:12], key=lambda row: -row["volume"])
            assert values("ranks", 2) == [{"id": first["id"], "rank": 1}, {"id": second["id"], "rank": 2}]
        assert stop(stack.settings, pipeline.stem)
    read = sorted(read_committed(topic), key=lambda record: (record.timestamp_ms, record.partition, record.offset))
    read = read[:-2]  # the last two close what is before them
    forest = RandomCutForest(dimensions=1, trees=30, sample_size=10, time_decay=100, shingle_size=1, seed=0)
    volumes = np.array([[json.loads(record.value)["volume"]] for record in read])
    expected = {}
    for record, score in zip(read, forest.process(volumes).tolist(), strict=True):
        row, at = json.loads(record.value), text_of(record.timestamp_ms)
        expected.setdefault(row["id"], []).append({"id": row["id"], "at": at, "rowtime": at, "score": score})
    got: dict[str, list[Any]] = {}
    for row in values("out", len(read)):
        got.setdefault(row["id"], []).append(row)
    assert got == expected
    assert len(values("ranks", 2)) == 2
