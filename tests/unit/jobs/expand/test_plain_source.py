"""Sources that Flink's own formats read: what becomes of their late rows."""

from __future__ import annotations

import pytest

from jobs.expand.plain_source import expand_plain_source
from jobs.sql.located import File, LocatedText
from jobs.sql.statements import StatementKind, split
from jobs.sql.tables import CreateTable, read_table


def table(columns: str, options: str) -> CreateTable:
    text = f"CREATE TABLE t ({columns}, WATERMARK FOR ts AS ts) WITH ({options});\nINSERT INTO u SELECT 1;"
    (statement,) = split(LocatedText.whole(File("t.sql", text))).of_kind(StatementKind.CREATE_TABLE)
    return read_table(statement)


KAFKA = "'connector' = 'kafka', 'topic' = 'clicks', 'properties.bootstrap.servers' = 'b:1', 'format' = "
TIME = "ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL"


def test_late_raw_records_go_to_the_late_topic_as_they_came() -> None:
    source = expand_plain_source(table(f"record STRING, {TIME}", f"{KAFKA}'raw'"), 1000, pipeline="p")
    assert (source.sinks.rejects_topic, source.sinks.late_topic) == (None, "clicks-late")
    (sink,) = source.sinks.statements
    assert "'topic' = 'clicks-late'" in sink and "'sink.transactional-id-prefix' = 'p-t-late'" in sink
    assert "CASE WHEN `ts` <= CURRENT_WATERMARK(`ts`) THEN CAST(`record` AS BYTES) END AS `__raw`" in source.rows


@pytest.mark.parametrize(
    ("columns", "options"),
    [
        (f"record STRING, {TIME}", f"{KAFKA}'csv'"),
        (f"a STRING, b STRING, {TIME}", f"{KAFKA}'raw'"),
        ("record STRING, ts TIMESTAMP(3)", "'connector' = 'filesystem', 'path' = 'x', 'format' = 'raw'"),
    ],
)
def test_others_are_counted_only(columns: str, options: str) -> None:
    source = expand_plain_source(table(columns, options), 1000, pipeline="p")
    assert source.sinks.late_topic is None and "CAST(NULL AS BYTES) AS `__raw`" in source.rows
