"""A source in the job graph: the physical table, its rows through one stream, and what becomes of refused records."""

from __future__ import annotations

from jobs.expand import flink, quote
from jobs.expand.runner import Runner
from jobs.expand.source import SourceExpansion
from udfs.record_tap import LATE, REJECTED, RecordTap


def build_source(runner: Runner, source: SourceExpansion) -> None:
    """The source's views: its good rows under its own name, the refused ones on their way to their topics."""
    statement = source.table.statement
    runner.run(statement, source.physical, f"{source.name}: the physical table")
    runner.step(f"{source.name}: each record once, with its status", source.rows)
    rows = runner.query(statement, source.physical, source.rows)
    columns = [(column.name, column.sql_type) for column in flink.columns_of(rows)]
    columns = [(n, t.replace("*ROWTIME*", "").strip()) for n, t in columns]
    if source.time is not None and not source.is_json:
        # the rows' time attribute becomes an ordinary column, and one again behind the stream
        time = quote.name(source.time)
        sql_type = dict(columns)[source.time].removesuffix("NOT NULL").strip()
        names = [f"CAST({time} AS {sql_type}) AS {time}" if n == source.time else quote.name(n) for n, _ in columns]
        rows = runner.tables.sql_query(f"SELECT {', '.join(names)} FROM ({source.rows})")
    runner.guard(
        statement,
        source.physical,
        lambda: flink.through_stream(runner.tables, rows, source.stage("rows"), columns, source.time),
    )
    runner.view(source.name, source.view())
    if source.is_kafka:
        runner.view(source.stage("ordered"), source.view(ordered=True))
        runner.ordered[source.name] = source.stage("ordered")
    if source.tap is not None:
        _refused(runner, source)


def _refused(runner: Runner, source: SourceExpansion) -> None:
    assert source.tap is not None
    statement = source.table.statement
    runner.step(f"{source.name}: refused records, counted and written", source.refused)
    stream = flink.refused_stream(runner.tables, runner.query(statement, source.physical, source.refused))
    tapped = flink.tap(stream, RecordTap(source.tap), uid=f"{source.name}-refused", name=source.stage("refused"))
    view = source.stage("refused")
    flink.as_view(runner.tables, view, tapped, [("f0", "INT"), ("f1", "BYTES")], None)
    for sql in source.sinks.statements:
        runner.step(f"{source.name}: sink of refused records", sql)
        runner.tables.execute_sql(sql)
    targets = [(REJECTED, "rejects", source.sinks.rejects_topic), (LATE, "late", source.sinks.late_topic)]
    for status, what, topic in targets:
        if topic is None:
            continue
        runner.pipeline.topics[topic] = {**source.table.options, "cutbank.refused": what}
        insert = (
            f"INSERT INTO {quote.name(source.stage(what))} SELECT `f1` FROM {quote.name(view)} WHERE `f0` = {status}"
        )
        runner.step(f"{source.name}: {what}", insert)
        runner.pipeline.statements.add_insert_sql(insert)
    if not source.sinks.statements:
        _count_only(runner, source, view)


def _count_only(runner: Runner, source: SourceExpansion, view: str) -> None:
    """A source without a place for refused records: they are counted, and the count is in the metrics."""
    sink = quote.name(source.stage("counted"))
    runner.tables.execute_sql(f"CREATE TEMPORARY TABLE {sink} (`f0` INT) WITH ('connector' = 'blackhole')")
    insert = f"INSERT INTO {sink} SELECT `f0` FROM {quote.name(view)}"
    runner.step(f"{source.name}: late rows are counted", insert)
    runner.pipeline.statements.add_insert_sql(insert)
