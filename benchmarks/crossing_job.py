"""One job of the crossing benchmark: Kafka to Kafka, exactly once, with or without Python in between."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cloudpickle
from pyflink.common import Types
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

import benchmarks.identity
from benchmarks.identity import IDENTITY, IdentityEachRecord
from jobs.expand.graph import FLINK_DEFAULTS, build
from jobs.sql.located import File, LocatedText
from jobs.sql.statements import split
from udfs.functions.registry import FUNCTIONS

KAFKA = "'connector' = 'kafka', 'properties.bootstrap.servers' = '{servers}'"
SOURCE = (
    """CREATE TABLE source (
    device STRING NOT NULL, event_time TIMESTAMP_LTZ(3) NOT NULL, volume DOUBLE NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND
) WITH ("""
    + KAFKA
    + """, 'topic' = '{source}', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset',
    'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601'{strict})"""
)
SINK = (
    "CREATE TABLE sink (device STRING, event_time TIMESTAMP_LTZ(3), volume DOUBLE, outcome DOUBLE) WITH ("
    + KAFKA
    + """, 'topic' = '{sink}', 'key.format' = 'raw', 'key.fields' = 'device',
    'value.format' = 'json', 'value.json.timestamp-format.standard' = 'ISO-8601',
    'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '{sink}',
    'properties.transaction.timeout.ms' = '900000')"""
)
# a hundred records of each row: the connector's own pace is 10,000 rows a second
NUMBERS = """CREATE TABLE hundreds (h BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000000',
    'fields.h.kind' = 'sequence', 'fields.h.start' = '0', 'fields.h.end' = '{last}')"""
# each element is of the row: a constant array becomes a join, which gives its rows in another order
HUNDRED = ", ".join(f"h * 100 + {i}" for i in range(100))
TARGET = (
    "CREATE TABLE target (device STRING, event_time TIMESTAMP_LTZ(3), volume DOUBLE) WITH ("
    + KAFKA
    + """, 'topic' = '{sink}', 'key.format' = 'raw', 'key.fields' = 'device',
    'value.format' = 'json', 'value.json.timestamp-format.standard' = 'ISO-8601')"""
)
# hashes of the number stand for chance: the same records each time
CHANCE = "(MOD(HASH_CODE(CONCAT('{salt}', CAST(i AS STRING))), 1000) + 1000)"
FILL = f"""INSERT INTO target SELECT
    CONCAT('device-', LPAD(CAST(MOD({CHANCE.format(salt="d")}, 64) AS STRING), 2, '0')),
    TO_TIMESTAMP_LTZ(1767225600000 + i / 8 - MOD({CHANCE.format(salt="t")}, 200), 3),
    ({CHANCE.format(salt="u")} + {CHANCE.format(salt="v")} + {CHANCE.format(salt="w")}) / 60.0
FROM hundreds CROSS JOIN UNNEST(ARRAY[{HUNDRED}]) AS u(i)"""
CALL = "{function}(input => TABLE source PARTITION BY device, on_time => DESCRIPTOR(event_time){more})"
QUERIES = {
    "sql": "SELECT device, event_time, volume, volume FROM source",
    "packed": "SELECT device, event_time, volume, same FROM " + CALL.format(function="IDENTITY", more=""),
    "packed_small": "SELECT device, event_time, volume, same FROM "
    + CALL.format(function="IDENTITY", more=", batch => INTERVAL '0.1' SECOND"),
    "forest": "SELECT device, event_time, volume, anomaly_score FROM "
    + CALL.format(function="RANDOM_CUT_FOREST", more=""),
}
QUERIES["packed_strict"] = QUERIES["packed"]


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("kind", "sink", "servers"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--source")
    parser.add_argument("--records", type=int)
    options = parser.parse_args()
    # this folder is not among the packages that workers have
    cloudpickle.register_pickle_by_value(benchmarks.identity)
    tables = StreamTableEnvironment.create(StreamExecutionEnvironment.get_execution_environment())
    if options.kind == "fill":
        fill(tables, options.servers, options.sink, options.records)
        return
    strict = "" if options.kind == "packed_strict" else ", 'cutbank.rejects' = 'off'"
    place = {"source": options.source, "sink": options.sink, "servers": options.servers, "strict": strict}
    source, sink = SOURCE.format(**place), SINK.format(**place)
    if options.kind == "per_record":
        per_record(tables, source.replace(strict, ""), sink)
        return
    text = f"{source};\n{sink};\nINSERT INTO sink {QUERIES[options.kind]};"
    script = split(LocatedText.whole(File("crossing.sql", text)))
    functions = {**FUNCTIONS, IDENTITY.name: IDENTITY}
    build(tables, script, options.sink, functions).statements.execute()


def fill(tables: StreamTableEnvironment, servers: str, sink: str, records: int) -> None:
    """Write the records that the other jobs read, in full hundreds."""
    tables.execute_sql(NUMBERS.format(last=records // 100 - 1))
    tables.execute_sql(TARGET.format(servers=servers, sink=sink))
    tables.execute_sql(FILL)


def per_record(tables: StreamTableEnvironment, source: str, sink: str) -> None:
    """The same rows through a Python function that is called for each of them."""
    for key, value in FLINK_DEFAULTS.items():
        tables.get_config().set(key, value)
    # bundles of records now, not of packs: Flink's own default
    tables.get_config().set("python.fn-execution.bundle.size", "1000")
    tables.execute_sql(source)
    tables.execute_sql(sink)
    milliseconds = "1000 * EXTRACT(EPOCH FROM event_time) + EXTRACT(MILLISECOND FROM event_time)"
    stream = tables.to_data_stream(tables.sql_query(f"SELECT device, {milliseconds} AS ms, volume FROM source"))
    output = Types.ROW([Types.STRING(), Types.LONG(), Types.DOUBLE(), Types.DOUBLE()])
    same = stream.key_by(lambda row: row[0], key_type=Types.STRING()).process(IdentityEachRecord(), output_type=output)
    tables.create_temporary_view("same", tables.from_data_stream(same))
    statements = tables.create_statement_set()
    statements.add_insert_sql("INSERT INTO sink SELECT f0, TO_TIMESTAMP_LTZ(f1, 3), f2, f3 FROM same")
    statements.execute()


if __name__ == "__main__":
    main()
