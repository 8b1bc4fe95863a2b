"""Records through the SQL that reads them strictly, without Kafka: a file stands in for the topic."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jobs.expand.source import SourceExpansion
from jobs.expand.strict_json import expand_json_source
from jobs.sql.statements import Script, StatementKind
from jobs.sql.tables import read_table
from tests.cluster.poison import NOW_MS
from tests.cluster.replay import iso
from tests.jobs.conftest import write_rows

_OPTIONS = """'connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'nowhere:9092',
    'scan.startup.mode' = 'earliest-offset', 'format' = 'json'"""


def expansion(
    script: Callable[..., Script], columns: str, options: str = "", keys: Sequence[str] = ()
) -> SourceExpansion:
    """What a Kafka table of these columns becomes."""
    text = f"CREATE TABLE t (\n{columns}\n) WITH (\n{_OPTIONS}{options}\n);\nINSERT INTO o SELECT 1;"
    (statement,) = script(text).of_kind(StatementKind.CREATE_TABLE)
    return expand_json_source(read_table(statement), pipeline="p", interval_ms=None, keys=frozenset(keys))


def physical_over_file(source: SourceExpansion, file: Path) -> str:
    """The physical table with a file in the topic's place, which holds what Kafka would say in fields.

    Without its watermark: Kafka's source makes that itself and takes a time of NULL, the operator behind a file
    does not.
    """
    sql, count = re.subn(r" METADATA FROM '(partition|offset|timestamp)' VIRTUAL", "", source.physical.text)
    assert count == 3
    sql = re.sub(r",\n  WATERMARK FOR .*", "", sql)
    head, between, _ = sql.rpartition(") WITH (")
    assert between
    return f"{head}) WITH ('connector' = 'filesystem', 'path' = '{file.as_uri()}', 'format' = 'json')"


def read_strictly(
    tables: Any,
    result_of: Callable[..., list[dict[str, Any]]],
    source: SourceExpansion,
    records: Sequence[bytes | None],
    folder: Path,
    columns: str,
    select: str,
) -> list[dict[str, Any]]:
    """For each record its `status` (0 is good) and what `select` makes of the columns, in the order given."""
    rows = [
        {
            "__raw": None if record is None else base64.b64encode(record).decode(),
            "__partition": 0,
            "__offset": i,
            "__timestamp": iso(NOW_MS).replace("T", " "),
        }
        for i, record in enumerate(records)
    ]
    file = write_rows(folder / "topic.json", rows)
    tables.get_config().set("table.local-time-zone", "UTC")
    tables.execute_sql(physical_over_file(source, file))
    found = result_of(
        f"SELECT `__status`, `__offset`, {select} FROM ({source.rows})", f"`status` INT, `offset` BIGINT, {columns}"
    )
    found.sort(key=lambda row: row["offset"])
    assert [row["offset"] for row in found] == list(range(len(records))), "each record once"
    return found
