"""Which tables feed what, told by the tokens."""

from __future__ import annotations

from jobs.sql.lineage import feeding, read_as_of, source_tables
from jobs.sql.located import File
from jobs.sql.source import fill
from jobs.sql.statements import Statement, split

RATES = "JOIN `rates` FOR SYSTEM_TIME AS OF o.ts AS r ON o.currency = r.currency"


def as_of(*queries: str) -> frozenset[str]:
    statements = [f"CREATE VIEW v{i} AS {query}" for i, query in enumerate(queries)]
    return read_as_of(split(fill(File("x.sql", ";\n".join([*statements, "INSERT INTO out SELECT * FROM v0"])), {})))


def test_what_is_joined_as_of_a_time_and_not_read_otherwise() -> None:
    assert as_of(f"SELECT * FROM orders AS o {RATES}") == {"rates"}
    assert as_of("SELECT * FROM orders AS o JOIN rates ON o.currency = rates.currency") == frozenset()


def test_a_table_that_is_read_as_it_is_too_is_an_ordinary_one() -> None:
    assert as_of(f"SELECT * FROM orders AS o {RATES}", "SELECT MAX(rate) FROM rates") == frozenset()


def test_what_feeds_a_table_ends_where_it_is_told_to() -> None:
    script = split(fill(File("x.sql", """
        CREATE TABLE clicks (a INT); CREATE TABLE views (a INT);
        CREATE VIEW both_of_them AS SELECT * FROM clicks UNION ALL SELECT * FROM views;
        CREATE VIEW scored AS SELECT * FROM both_of_them;
        CREATE VIEW beside AS SELECT * FROM scored JOIN views ON TRUE;
        INSERT INTO somewhere SELECT * FROM beside"""), {}))  # fmt: skip
    (scored,) = [statement for statement in script.statements if statement.name == "scored"]

    def names(*ends: Statement) -> list[str]:
        return [statement.name for statement in feeding(script, ["beside"], ends)]

    assert names() == ["clicks", "views", "both_of_them", "scored", "beside"]
    assert names(scored) == ["views", "scored", "beside"]
    assert [statement.name for statement in source_tables(script, ["beside"])] == ["clicks", "views"]
