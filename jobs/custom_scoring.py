"""A DataStream job of one's own: a pool of models hosted in a keyed process function, called for each record.

The SQL pipelines pack records before they cross to Python, which is fast and costs an interval of latency. This job is
the pattern to copy where each record has to be answered at once, or where the logic around the model is not SQL: rows
come from a SQL table and go to one, the model is a pool of `models`, and `udfs.bucket.Bucket` makes it exact under
failure, with one bucket a key. A record costs some 100 microseconds this way, against a few in a pack.

    flink run -py jobs/custom_scoring.py --bootstrap-servers localhost:19092
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __package__ in (None, ""):  # called as a file: the packages lie beside this one's folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext, StreamExecutionEnvironment
from pyflink.table import StatementSet, StreamTableEnvironment

from jobs.expand.graph import create_source
from jobs.topics import create_missing
from udfs.bucket import Bucket, Counters, Hosted, SnapshotPolicy
from udfs.flink_store import FlinkStore
from udfs.worker import genuine_print

SOURCE = """
CREATE TABLE loudness (
    device     STRING NOT NULL,
    event_time TIMESTAMP_LTZ(3) NOT NULL,
    volume     DOUBLE NOT NULL
) WITH (
    'connector' = 'kafka',
    'topic' = '{topic}',
    'properties.bootstrap.servers' = '{bootstrap_servers}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
)"""

SINK = """
CREATE TABLE custom_scores (
    device        STRING,
    event_time    STRING,
    volume        DOUBLE,
    anomaly_score DOUBLE
) WITH (
    'connector' = 'kafka',
    'topic' = '{topic}-custom-scores',
    'properties.bootstrap.servers' = '{bootstrap_servers}',
    'key.format' = 'raw',
    'key.fields' = 'device',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = '{topic}-custom-scores',
    'properties.transaction.timeout.ms' = '900000'
)"""


@dataclass(frozen=True)
class CustomScoringSettings:
    """What differs between places and uses.

    Parameters
    ----------
    bootstrap_servers
        Kafka brokers.
    topic
        Where the records are; scores go to ``<topic>-custom-scores``.
    trees, sample_size
        Of each device's forest.
    snapshot_records
        How many records a device logs before its forest is snapshotted: at most so many are replayed after a failure.
    """

    bootstrap_servers: str
    topic: str = "loudness"
    trees: int = 100
    sample_size: int = 256
    snapshot_records: int = 5_000


class ScoreEachRecord(KeyedProcessFunction):
    """``(device, milliseconds, volume)`` in, the same with the score out; keyed by device.

    Records are scored in the order in which they arrive.
    """

    def __init__(self, settings: CustomScoringSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: RuntimeContext) -> None:
        # numba cannot be imported while a worker has replaced `print`
        with genuine_print():
            from models.random_cut_forest import RandomCutForestPool
        trees, sample_size = self._settings.trees, self._settings.sample_size
        pool = RandomCutForestPool(dimensions=1, trees=trees, sample_size=sample_size, seed=0)
        parameters = {"trees": trees, "sample_size": sample_size}  # state of other parameters is refused
        policy = SnapshotPolicy(records=self._settings.snapshot_records)
        self._hosted = Hosted("custom_scoring", parameters, pool, policy=policy)
        self._store = FlinkStore(runtime_context)
        self._buckets: dict[str, Bucket] = {}
        self._counters = Counters()
        runtime_context.get_metrics_group().gauge("replayed_records", lambda: self._counters.replayed_records)

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        device, milliseconds, volume = value
        bucket = self._buckets.get(device)
        if bucket is None:  # the first record since the start: the state of this key holds the rest
            bucket = self._buckets[device] = Bucket(self._hosted, self._store, self._counters)
        outputs = bucket.process(
            [()], np.array([milliseconds]), np.array([[volume]]), start_ms=milliseconds, store=self._store
        )
        yield Row(device, milliseconds, volume, float(outputs["score"][0]))


def build(tables: StreamTableEnvironment, settings: CustomScoringSettings) -> StatementSet:
    """The job as a statement set; nothing runs before its `execute`."""
    place = {"topic": settings.topic, "bootstrap_servers": settings.bootstrap_servers}
    statements = tables.create_statement_set()
    create_source(tables, statements, SOURCE.format(**place), "custom_scoring")  # bad records: <topic>-rejects
    tables.execute_sql(SINK.format(**place))
    milliseconds = "1000 * EXTRACT(EPOCH FROM event_time) + EXTRACT(MILLISECOND FROM event_time)"
    rows = tables.sql_query(f"SELECT device, {milliseconds} AS ms, volume FROM loudness")
    scored = (
        tables.to_data_stream(rows)
        .key_by(lambda row: row[0], key_type=Types.STRING())
        .process(
            ScoreEachRecord(settings),
            output_type=Types.ROW([Types.STRING(), Types.LONG(), Types.DOUBLE(), Types.DOUBLE()]),
        )
        .uid("score-each-record")
        .name("score each record")
    )
    tables.create_temporary_view("scored", tables.from_data_stream(scored))
    statements.add_insert_sql(
        "INSERT INTO custom_scores SELECT f0, "
        "DATE_FORMAT(TO_TIMESTAMP_LTZ(f1, 3), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), f2, f3 FROM scored"
    )
    return statements


def main(argv: Sequence[str] | None = None) -> None:
    """Submit the job."""
    parser = argparse.ArgumentParser(description="Scores each loudness record at once.")
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--topic", default=CustomScoringSettings.topic)
    parser.add_argument("--snapshot-records", type=int, default=CustomScoringSettings.snapshot_records)
    options = parser.parse_args(argv)
    tables = StreamTableEnvironment.create(StreamExecutionEnvironment.get_execution_environment())
    tables.get_config().set("pipeline.name", "custom_scoring")
    tables.get_config().set("table.local-time-zone", "UTC")
    settings = CustomScoringSettings(**vars(options))
    statements = build(tables, settings)
    brokers = {"properties.bootstrap.servers": settings.bootstrap_servers}
    topics = {f"{settings.topic}{what}": brokers for what in ("", "-custom-scores")}
    # in base64, a refused record is larger than what a topic takes by default
    topics[f"{settings.topic}-rejects"] = {**brokers, "cutbank.refused": "rejects"}
    create_missing(topics)
    statements.execute()


if __name__ == "__main__":
    main()
