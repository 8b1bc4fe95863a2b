"""Which tables feed what, told by the tokens."""

from __future__ import annotations

from jobs.sql.lineage import read_as_of
from jobs.sql.located import File
from jobs.sql.source import fill
from jobs.sql.statements import split

RATES = "JOIN `rates` FOR SYSTEM_TIME AS OF o.ts AS r ON o.currency = r.currency"


def as_of(*queries: str) -> frozenset[str]:
    statements = [f"CREATE VIEW v{i} AS {query}" for i, query in enumerate(queries)]
    return read_as_of(split(fill(File("x.sql", ";\n".join([*statements, "INSERT INTO out SELECT * FROM v0"])), {})))


def test_what_is_joined_as_of_a_time_and_not_read_otherwise() -> None:
    assert as_of(f"SELECT * FROM orders AS o {RATES}") == {"rates"}
    assert as_of("SELECT * FROM orders AS o JOIN rates ON o.currency = rates.currency") == frozenset()


def test_a_table_that_is_read_as_it_is_too_is_an_ordinary_one() -> None:
    assert as_of(f"SELECT * FROM orders AS o {RATES}", "SELECT MAX(rate) FROM rates") == frozenset()
