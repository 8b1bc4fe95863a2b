"""Copies one topic to another through a Python function, exactly once. Arguments: brokers, from, to."""

import os
import sys

from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import DataTypes, StreamTableEnvironment
from pyflink.table.udf import udf


@udf(result_type=DataTypes.STRING())
def worker(_: int) -> str:
    """Which process called."""
    return f"{sys.executable} {os.getpid()}"


def main(brokers: str, source: str, target: str) -> None:
    """Submit the copy."""
    tables = StreamTableEnvironment.create(StreamExecutionEnvironment.get_execution_environment())
    tables.get_config().set("pipeline.name", target)
    tables.create_temporary_function("worker", worker)
    kafka = f"'connector' = 'kafka', 'properties.bootstrap.servers' = '{brokers}', 'format' = 'json'"
    tables.execute_sql(
        f"CREATE TABLE source (i BIGINT) WITH ({kafka}, 'topic' = '{source}', 'scan.startup.mode' = 'earliest-offset')"
    )
    tables.execute_sql(
        f"CREATE TABLE target (i BIGINT, worker STRING) WITH ({kafka}, 'topic' = '{target}', "
        f"'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '{target}', "
        "'properties.transaction.timeout.ms' = '900000')"
    )
    tables.execute_sql("INSERT INTO target SELECT i, worker(i) FROM source")


if __name__ == "__main__":
    main(*sys.argv[1:])
