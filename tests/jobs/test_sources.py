"""Source tables as users write them: those that must plan, and those that are refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jobs.errors import SqlError
from jobs.sql.statements import Script

TABLE = """CREATE TABLE t ({columns}) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json',
    'properties.bootstrap.servers' = 'nowhere:9092'{options});
CREATE TABLE o (k STRING) WITH ('connector' = 'blackhole');
"""
EARLIEST = ", 'scan.startup.mode' = 'earliest-offset'"
TIME = "ts TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND"
CALL = """INSERT INTO o SELECT k FROM RANDOM_CUT_FOREST(
    input => TABLE t PARTITION BY k, on_time => DESCRIPTOR(ts), columns => DESCRIPTOR(v));"""


def pipeline(columns: str, rest: str = CALL, options: str = EARLIEST) -> str:
    return TABLE.format(columns=columns, options=options) + rest


def windowed(columns: str, on_time: str) -> str:
    """A call over the rows of a window, which have its columns."""
    return pipeline(
        f"k STRING, v DOUBLE, {TIME}",
        f"""CREATE VIEW w AS SELECT k, {columns}, COUNT(*) AS n
        FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND))
        GROUP BY k, window_start, window_end, window_time;
        INSERT INTO o SELECT k FROM RANDOM_CUT_FOREST(
            input => TABLE w PARTITION BY k, on_time => DESCRIPTOR({on_time}), columns => DESCRIPTOR(n));""",
    )


PLANS = {
    "all columns of a window": windowed("window_start, window_end, window_time", "window_time"),
    "the start of a window": windowed("window_start, window_time AS rt", "rt"),
    "names that need quotes": pipeline(
        f"k STRING, `odd name` STRING, `a``b` DOUBLE, `q'q` DOUBLE, `order` DOUBLE, v DOUBLE, {TIME}"
    ),
    "names we use inside": pipeline(f"k STRING, i DOUBLE, u DOUBLE, x DOUBLE, f0 DOUBLE, c0 DOUBLE, v DOUBLE, {TIME}"),
    "columns written with the table's name": pipeline(
        f"k STRING, v DOUBLE, {TIME}",
        "CREATE VIEW d AS SELECT t.k, t.v, t.ts FROM t WHERE t.v > 0;" + CALL.replace("TABLE t", "TABLE d"),
    ),
    "partition and offset of Kafka": pipeline(
        f"k STRING, v DOUBLE, `partition` INT METADATA VIRTUAL, o BIGINT METADATA FROM 'offset' VIRTUAL, {TIME}"
    ),
    "the same without strict reading": pipeline(
        f"k STRING, v DOUBLE, `partition` INT METADATA VIRTUAL, {TIME}",
        options=f"{EARLIEST}, 'cutbank.rejects' = 'off'",
    ),
    "Kafka's timestamp as the time": pipeline(
        "k STRING, v DOUBLE, " + TIME.replace("(3),", "(3) METADATA FROM 'timestamp',")
    ),
    "time computed of milliseconds": pipeline(
        "k STRING, v DOUBLE, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND"
    ),
    "computed columns": pipeline(f"k STRING, v DOUBLE, w AS v * 2, n AS UPPER(k), p AS PROCTIME(), {TIME}"),
    "a primary key": pipeline(f"k STRING, v DOUBLE, {TIME}, PRIMARY KEY (k) NOT ENFORCED"),
    "keys of many types": pipeline(
        f"k STRING, v DOUBLE, a TIMESTAMP(6), b TIMESTAMP_LTZ, c DATE, d TIME(3), e DECIMAL(3, 3), g CHAR(3), {TIME}",
        CALL.replace("BY k", "BY a, b, c, d, e, g, k"),
    ),
    "two topics in one": pipeline(f"k STRING, v DOUBLE, {TIME}").replace("'topic' = 't'", "'topic' = 't;s'"),
    "a union of two reads": pipeline(
        f"k STRING, v DOUBLE, {TIME}", CALL.replace("TABLE t", "(SELECT * FROM t UNION ALL SELECT * FROM t)")
    ),
}


@pytest.mark.parametrize("case", PLANS)
def test_it_plans(new_tables: Callable[[], Any], script: Callable[..., Script], case: str) -> None:
    from jobs.expand.graph import build

    assert "Execution Plan" in build(new_tables(), script(PLANS[case]), "sources").plan


REFUSED = {
    "no place to start from": (pipeline(f"k STRING, v DOUBLE, {TIME}", options=""), "group.id"),
    "no place to start from, without strict reading": (
        pipeline(f"k STRING, v DOUBLE, {TIME}", options=", 'cutbank.rejects' = 'off'"),
        "group.id",
    ),
    "a map through a call": (
        pipeline(f"k STRING, v DOUBLE, m MAP<STRING, INT>, {TIME}", options=f"{EARLIEST}, 'cutbank.rejects' = 'off'"),
        "m is MAP",
    ),
    "a row to read strictly": (pipeline(f"k STRING, v DOUBLE, r ROW<a INT>, {TIME}"), "column r is ROW<a INT>"),
    "an option of ours that is none": (
        pipeline(f"k STRING, v DOUBLE, {TIME}", options=f"{EARLIEST}, 'cutbank.reject' = 'on'"),
        "unknown option cutbank.reject",
    ),
    "a duration that is none": (
        pipeline(f"k STRING, v DOUBLE, {TIME}", options=f"{EARLIEST}, 'cutbank.max-time-ahead' = 'soon'"),
        "must be a duration such as '1 d'",
    ),
    "read and written": (
        pipeline(f"k STRING, v DOUBLE, {TIME}", CALL + "INSERT INTO t SELECT k, v, ts FROM t;"),
        "second table",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_one_line(new_tables: Callable[[], Any], script: Callable[..., Script], case: str) -> None:
    from jobs.expand.graph import build

    text, said = REFUSED[case]
    with pytest.raises(SqlError) as refusal:
        build(new_tables(), script(text), "sources")
    assert said in str(refusal.value) and "\n" not in str(refusal.value)
