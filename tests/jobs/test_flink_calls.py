"""The calls into Flink behind its public Python API do what their docstrings promise."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.expand.call_sql import side_by_side
from jobs.expand.crossing import Element, epoch_ms, time_crossing
from jobs.expand.watermark import rounded
from tests.jobs.conftest import rows_in, write_rows

#: Instants at every kind of edge: the epoch and around, 2038, 2106, the years 1 and 9999, and Berlin's two 2:30.
INSTANTS = (
    0, 1, -1, -999, -59_999, -60_000, -60_001, 1_790_000_000_123, 2_147_483_648_000, 4_294_967_296_000,
    4_102_444_800_001, 253_402_300_799_999, -62_135_500_000_001, -2_500_000_000_001, 1_774_745_999_999,
    1_792_888_200_500, 1_792_891_800_500,
)  # fmt: skip
ZONES = ("Asia/Tokyo", "Asia/Kolkata", "Europe/Berlin", "America/St_Johns")


@pytest.fixture
def instants(tables: Any, tmp_path: Path) -> Any:
    """Tables with the view `instants` of `INSTANTS`; from a file, so that nothing is computed while planning."""
    file = write_rows(tmp_path / "instants.json", [{"v": value} for value in INSTANTS])
    tables.execute_sql(f"""CREATE TABLE instants (v BIGINT) WITH (
        'connector' = 'filesystem', 'path' = '{file.as_uri()}', 'format' = 'json')""")
    return tables


def _collect(tables: Any, query: str) -> list[tuple[Any, ...]]:
    """Rows of whole numbers and texts, straight from Flink's client."""
    with tables.sql_query(query).execute().collect() as rows:
        return [tuple(row) for row in rows]


def test_milliseconds_there_and_back_in_every_zone(instants: Any) -> None:
    as_utc = time_crossing("TIMESTAMP(3)").unpack.replace("{0}", "v")
    forth = epoch_ms("TIMESTAMP_LTZ(3)").replace("{0}", "x")
    plain = epoch_ms("TIMESTAMP(3)").replace("{0}", "z")
    query = f"""SELECT v, {forth}, {plain}, CAST(z AS STRING)
        FROM (SELECT v, TO_TIMESTAMP_LTZ(v, 3) AS x, {as_utc} AS z FROM instants)"""
    for zone in ZONES:
        instants.get_config().set("table.local-time-zone", zone)
        found = {value: rest for value, *rest in _collect(instants, query)}
        assert set(found) == set(INSTANTS)
        for value, (instant_ms, plain_ms, _) in found.items():
            assert (instant_ms, plain_ms) == (value, value), zone
        # a TIMESTAMP has no zone
        assert found[253_402_300_799_999][2] == "9999-12-31 23:59:59.999"
        assert found[2_147_483_648_000][2] == "2038-01-19 03:14:08.000"


def test_watermarks_lie_before_a_boundary_in_every_zone(instants: Any) -> None:
    intervals = (1_000, 60_000, 200, 7_000, 900_000)
    marks, shown = [], []
    for name, sql_type in (("x", "TIMESTAMP_LTZ(3)"), ("z", "TIMESTAMP(3)")):
        for interval in intervals:
            marks.append(f"{rounded(name, sql_type, interval)} AS {name}{interval}")
            shown.append(epoch_ms(sql_type).replace("{0}", f"{name}{interval}"))
    times = f"TO_TIMESTAMP_LTZ(v, 3) AS x, {time_crossing('TIMESTAMP(3)').unpack.replace('{0}', 'v')} AS z"
    query = f"SELECT v, {', '.join(shown)} FROM (SELECT v, {', '.join(marks)} FROM (SELECT v, {times} FROM instants))"
    for zone in ("Asia/Kolkata", "Europe/Berlin"):
        instants.get_config().set("table.local-time-zone", zone)
        for value, *found in _collect(instants, query):
            assert found == [value // interval * interval - 1 for interval in intervals] * 2, (zone, value)


def test_columns_are_told_with_type_and_time(tables: Any) -> None:
    from jobs.expand.flink import columns_of
    from jobs.sql.checks import InputColumn

    tables.execute_sql("""CREATE TABLE t (
        a DECIMAL(5, 2) NOT NULL, b TIMESTAMP_LTZ(9), c ARRAY<TIMESTAMP_LTZ(3)>, ts TIMESTAMP_LTZ(3),
        plain TIMESTAMP(3), p AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
        ) WITH ('connector' = 'datagen')""")
    assert columns_of(tables.from_path("t")) == [
        InputColumn("a", "DECIMAL(5, 2) NOT NULL"),
        InputColumn("b", "TIMESTAMP_LTZ(9)"),
        InputColumn("c", "ARRAY<TIMESTAMP_LTZ(3)>"),
        InputColumn("ts", "TIMESTAMP_LTZ(3)", is_time_attribute=True),
        InputColumn("plain", "TIMESTAMP(3)"),
        InputColumn("p", "TIMESTAMP_LTZ(3) NOT NULL"),  # processing time is no event time
    ]


def test_arrays_of_each_element_cross_keyed_by_bucket_with_nulls_and_time(tables: Any, tmp_path: Path) -> None:
    """A host that gives back what it got: `key_by_bucket`, `host` and `as_view` around it, watermarks behind it."""
    from pyflink.common import Row, Types
    from pyflink.datastream import KeyedProcessFunction

    from jobs.expand import flink

    class Echo(KeyedProcessFunction):
        """Gives arrays back, with the key and the types that Python saw."""

        def process_element(self, value: Any, ctx: Any) -> Any:
            *arrays, end_ms = value
            seen = [f"{ctx.get_current_key()} " + " ".join(type(item).__name__ for item in each) for each in arrays]
            yield Row(*arrays, seen, end_ms)

    elements = [Element.STRING, Element.BIGINT, Element.INT, Element.DOUBLE, Element.BOOLEAN]
    file = write_rows(tmp_path / "in.json", [{"bucket": n % 2, "at_ms": 1_000 * n} for n in range(1, 11)])
    tables.execute_sql(f"""CREATE TABLE t (bucket INT, at_ms BIGINT, ts AS TO_TIMESTAMP_LTZ(at_ms, 3),
        WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '{file.as_uri()}', 'format' = 'json')""")
    packs = tables.sql_query("""SELECT bucket, ROW(ARRAY['é', CAST(NULL AS STRING)], ARRAY[at_ms, CAST(NULL AS BIGINT)],
        ARRAY[bucket, CAST(NULL AS INT)], ARRAY[0.1e0, CAST(NULL AS DOUBLE)], ARRAY[TRUE, CAST(NULL AS BOOLEAN)], at_ms)
        FROM t""")
    keyed = flink.key_by_bucket(tables, packs, elements, "packs of t")
    output = Types.ROW([*map(flink.array_of, elements), flink.array_of(Element.STRING), Types.LONG()])
    stream = flink.host(keyed, Echo(), output, "echo", "ECHO (t)")
    transformation = stream._j_data_stream.getTransformation()
    assert (transformation.getUid(), transformation.getName()) == ("echo", "ECHO (t)")
    columns = [(f"f{i}", f"ARRAY<{element.value}>") for i, element in enumerate([*elements, Element.STRING])]
    flink.as_view(tables, "odd (view)", stream, [*columns, ("f6", "BIGINT")], "rt", time_from_ms="f6")
    assert [c.is_time_attribute for c in flink.columns_of(tables.from_path("`odd (view)`"))] == [False] * 7 + [True]
    sink = f"'connector' = 'filesystem', 'format' = 'json', 'path' = '{tmp_path.as_uri()}"
    named = ", ".join(f"`{name}` {sql_type}" for name, sql_type in columns)
    tables.execute_sql(f"CREATE TABLE echoed ({named}, f6 BIGINT) WITH ({sink}/echoed')")
    tables.execute_sql(f"CREATE TABLE windows (s STRING, n BIGINT) WITH ({sink}/windows')")
    statements = tables.create_statement_set()
    statements.add_insert_sql("INSERT INTO echoed SELECT f0, f1, f2, f3, f4, f5, f6 FROM `odd (view)`")
    # windows close only if watermarks come through the host
    statements.add_insert_sql("""INSERT INTO windows SELECT CAST(window_start AS STRING), COUNT(*)
        FROM TABLE(TUMBLE(TABLE `odd (view)`, DESCRIPTOR(rt), INTERVAL '5' SECOND))
        GROUP BY window_start, window_end""")
    statements.execute().wait()
    rows = sorted(rows_in(tmp_path / "echoed"), key=lambda row: row["f6"])
    assert len(rows) == 10
    for n, row in enumerate(rows, start=1):
        key = n % 2
        assert [row[f"f{i}"] for i in range(5)] == [
            ["é", None], [1_000 * n, None], [key, None], [0.1, None], [True, None],
        ]  # fmt: skip
        assert row["f5"] == [f"{key} {kind} NoneType" for kind in ("str", "int", "int", "float", "bool")]
    assert sorted(row["n"] for row in rows_in(tmp_path / "windows")) == [1, 4, 5]


def test_a_table_through_a_stream_is_computed_once(tables: Any) -> None:
    from jobs.expand import flink

    tables.execute_sql("""CREATE TABLE t (a INT, ts TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts)
        WITH ('connector' = 'datagen', 'number-of-rows' = '1')""")
    query = tables.sql_query("SELECT a + 40 AS b, ts FROM t")
    flink.through_stream(tables, query, "t (rows)", [("b", "INT"), ("ts", "TIMESTAMP_LTZ(3)")], "ts")
    for sink in ("sink1", "sink2"):
        tables.execute_sql(f"CREATE TABLE {sink} (b INT) WITH ('connector' = 'blackhole')")
    statements = tables.create_statement_set()
    statements.add_insert_sql("INSERT INTO sink1 SELECT b FROM `t (rows)` WHERE b > 1")
    statements.add_insert_sql("INSERT INTO sink2 SELECT b FROM `t (rows)` WHERE b < 1")
    plan = statements.explain()
    assert "+ 40" not in plan.partition("Execution Plan")[2], "the planner sees into the stream"
    assert [c.is_time_attribute for c in flink.columns_of(tables.from_path("`t (rows)`"))] == [False, True]


def test_entries_of_a_map_of_arrays_are_pairs_as_they_stand(tables: Any, tmp_path: Path) -> None:
    """What unpacking relies on: equal and missing keys stay, in order; the types of the elements too."""
    rows = [{"k": ["b", None, "a", "b"], "v": [1, 2, None, 1], "d": [0.5, 1.5, 2.5, None]}, {"k": [], "v": [], "d": []}]
    file = write_rows(tmp_path / "arrays.json", rows)
    tables.execute_sql(f"""CREATE TABLE arrays (k ARRAY<STRING>, v ARRAY<BIGINT>, d ARRAY<DOUBLE>) WITH (
        'connector' = 'filesystem', 'path' = '{file.as_uri()}', 'format' = 'json')""")
    zipped, paths = side_by_side(["k", "v", "d"])

    found = _collect(tables, f"SELECT {', '.join(paths)} FROM arrays CROSS JOIN UNNEST({zipped}) AS u(`key`, `value`)")

    assert found == [("b", 1, 0.5), (None, 2, 1.5), ("a", None, 2.5), ("b", 1, None)]


def test_a_python_thread_keeps_its_thread_of_the_jvm(tables: Any) -> None:
    """Also when other threads call Flink in between; the planner keeps its caches in the thread.

    Three threads hold a call each, and this one's ends last: with Py4J's own order of idle connections it would go on
    in another thread of the JVM.
    """
    from pyflink.java_gateway import get_gateway

    java = get_gateway().jvm
    thread = java.java.lang.Thread
    mine = thread.currentThread().getName()
    other_waits, i_wait = (java.java.util.concurrent.Semaphore(0) for _ in range(2))

    def wait_for_me() -> None:
        other_waits.acquire()
        i_wait.release()

    def wake() -> None:
        _until(i_wait.hasQueuedThreads)
        other_waits.release()

    threads = [threading.Thread(target=work, daemon=True) for work in (wait_for_me, wake)]
    threads[0].start()
    _until(other_waits.hasQueuedThreads)
    threads[1].start()
    i_wait.acquire()
    for one in threads:
        one.join(30)
        assert not one.is_alive()
    assert [thread.currentThread().getName() for _ in range(3)] == [mine] * 3


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end


def test_what_a_pipeline_sets_reaches_its_job(tables: Any, tmp_path: Path) -> None:
    """Operators made of statements run in the stream environment, which knows nothing of the tables' settings."""
    from jobs.expand.flink import into_environment

    for key, value in {"pipeline.object-reuse": "true", "python.fn-execution.bundle.size": "64"}.items():
        tables.get_config().set(key, value)
    tables.execute_sql("CREATE TEMPORARY TABLE numbers (n INT) WITH ('connector' = 'datagen', 'number-of-rows' = '5')")
    tables.execute_sql(
        "CREATE TEMPORARY TABLE found (n INT) WITH "
        f"('connector' = 'filesystem', 'path' = '{tmp_path.as_uri()}', 'format' = 'json')"
    )
    statements = tables.create_statement_set()
    statements.add_insert_sql("INSERT INTO found SELECT n FROM numbers")
    into_environment(tables, statements)
    environment = tables._j_tenv.execEnv()
    assert environment.getStreamGraph(False).getExecutionConfig().isObjectReuseEnabled()
    assert environment.getConfiguration().toMap()["python.fn-execution.bundle.size"] == "64"
