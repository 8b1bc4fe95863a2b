"""Where the tables of a call meet: what is late for all of them together is told apart, and written.

A source tells its late rows by its own watermark. Where several are read together that is not enough: one that has
been silent no longer holds time back, and what it sends when it wakes may be on time there and too late here. The
window that packs rows would drop it without a word. So a call of several tables asks once more, behind their union:

    `c (together)`  the rows of all tables, as they are packed; a stream, so that nothing is pushed below the union
    `c (all rows)`  each with whether it is late; a stream, so that every reader sees the same decision
    `c (all late)`  the sink of those that are

Every task must know the time of all tasks, or one whose own partitions are silent would let through what the window
behind it drops: a broadcast of no rows carries the watermark of each to all.
"""

from __future__ import annotations

from collections.abc import Mapping

from jobs.expand import flink, quote
from jobs.expand.call_sql import BUCKET, IS_LATE, TIME, rows_of
from jobs.expand.runner import Runner
from jobs.expand.source import refused_sink
from jobs.sql.call import Call
from jobs.sql.located import LocatedText
from jobs.topics import late_topic


def meet(runner: Runner, call: Call, query: LocatedText, rows: str, late_query: str, sink: Mapping[str, str]) -> str:
    """Build the three of them.

    Parameters
    ----------
    runner
        Where it is built.
    call
        The call.
    query
        What it reads, for errors.
    rows
        The rows of all its tables, with ``__bucket`` and ``__time``.
    late_query
        The late ones as they were written, from `rows_of` the call.
    sink
        Options of a table that is read, whose brokers get the late rows; empty where they are only counted.

    Returns
    -------
    str
        The query of those that are on time.
    """
    table = runner.query(call.statement, query, rows)
    together, judged = f"{call.name} (together)", rows_of(call)
    columns = [(c.name, c.sql_type.replace("*ROWTIME*", "").strip()) for c in flink.columns_of(table)]
    # a time attribute becomes an ordinary column, and one again behind each stream
    plain = ", ".join(
        f"CAST({quote.name(n)} AS {t}) AS {quote.name(n)}" if n == TIME else quote.name(n) for n, t in columns
    )
    runner.step(f"{call.name}: the rows of all its tables", rows)
    as_it_stands = runner.tables.sql_query(f"SELECT {plain} FROM (\n{rows}\n)")
    runner.guard(
        call.statement,
        query,
        lambda: flink.with_time_of_all(
            runner.tables, as_it_stands, together, columns, TIME, never=f"{quote.name(BUCKET)} < 0"
        ),
    )
    late = f"COALESCE({quote.name(TIME)} <= CURRENT_WATERMARK({quote.name(TIME)}), FALSE) AS {quote.name(IS_LATE)}"
    judge = f"SELECT {plain}, {late} FROM {quote.name(together)}"
    runner.step(f"{call.name}: each with whether it is late for all of them", judge)
    flink.through_stream(runner.tables, runner.tables.sql_query(judge), judged, [*columns, (IS_LATE, "BOOLEAN")], TIME)
    _write_late(runner, call, late_query, sink)
    return f"SELECT {quote.names(n for n, _ in columns)} FROM {quote.name(judged)} WHERE NOT {quote.name(IS_LATE)}"


def _write_late(runner: Runner, call: Call, late_query: str, sink: Mapping[str, str]) -> None:
    columns = [f"{quote.name(c.name)} {c.sql_type}" for c in flink.columns_of(runner.tables.sql_query(late_query))]
    name = f"{call.name} (all late)"
    options = {"connector": "blackhole"}
    if sink:
        topic = late_topic(runner.pipeline.name, call.name)
        runner.pipeline.topics[topic] = {**sink, "cutbank.refused": "late"}
        form = {
            "format": "json",
            # fields that a row does not have belong to the other tables
            "json.encode.ignore-null-fields": "true",
            "json.timestamp-format.standard": "ISO-8601",
        }
        options = refused_sink(sink, topic, f"{runner.pipeline.name}-{name}", form)
    create = f"CREATE TEMPORARY TABLE {quote.name(name)} ({', '.join(columns)}) WITH (\n{quote.options(options)}\n)"
    insert = f"INSERT INTO {quote.name(name)}\n{late_query}"
    runner.step(f"{call.name}: sink of late rows", create)
    runner.tables.execute_sql(create)
    runner.step(f"{call.name}: late rows", insert)
    runner.pipeline.statements.add_insert_sql(insert)
