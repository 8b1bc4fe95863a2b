"""A topic that several pipelines write has one form: each file is complete, so each declares it anew."""

from __future__ import annotations

from collections import defaultdict

from jobs.settings import PROJECT_ROOT
from jobs.sql.statements import StatementKind, read_script
from jobs.sql.tables import read_table


def test_pipelines_that_write_one_topic_write_the_same_columns() -> None:
    declared: dict[str, dict[str, list[tuple[str, str]]]] = defaultdict(dict)
    for file in sorted((PROJECT_ROOT / "sql").glob("*.sql")):
        script = read_script(file, {})
        written = {statement.name for statement in script.of_kind(StatementKind.INSERT)}
        for statement in script.of_kind(StatementKind.CREATE_TABLE):
            table = read_table(statement)
            if table.name in written:
                columns = [(column.name, column.sql_type) for column in table.columns]
                declared[table.options["topic"]][file.name] = columns
    shared = {topic: by_file for topic, by_file in declared.items() if len(by_file) > 1}
    assert {"market-predictions", "market-arbitrage", "market-alerts"} <= shared.keys()
    for topic, by_file in shared.items():
        (first, columns), *others = by_file.items()
        for name, found in others:
            assert found == columns, f"{topic}: {name} and {first} differ"
