"""Functions of the dialect against Flink: what our translation gives, all of them in a few statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from jobs.kinesis.functions import log_parsers, texts, time_texts
from jobs.kinesis.functions.time_texts import extract
from jobs.kinesis.values import RECORD, Value
from tests.jobs.conftest import rows_in, write_rows
from tests.jobs.kinesis import function_cases, log_cases
from tests.jobs.kinesis.function_cases import argument, call


@pytest.fixture(scope="module")
def values_of(new_tables: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[Any]]:
    """``values_of(expressions, texts)`` is their values as texts, in one statement.

    ``texts`` are the columns t0, t1, ... of a row that is read from a file, so that nothing is computed beforehand.
    """
    tables = new_tables()
    tables.get_config().set("table.local-time-zone", "UTC")

    def evaluate(expressions: Sequence[str], texts: Sequence[str | None] = ("",)) -> list[Any]:
        folder = tmp_path_factory.mktemp("texts")
        write_rows(folder / "row.json", [{f"t{place}": text for place, text in enumerate(texts)}])
        columns = {
            "texts": ", ".join(f"t{place} STRING" for place in range(len(texts))),
            "found": ", ".join(f"v{place} STRING" for place in range(len(expressions))),
        }
        for name, path in (("texts", folder / "row.json"), ("found", folder / "found")):
            tables.execute_sql(f"DROP TEMPORARY TABLE IF EXISTS {name}")
            tables.execute_sql(
                f"CREATE TEMPORARY TABLE {name} ({columns[name]}) WITH "
                f"('connector' = 'filesystem', 'path' = '{path.as_uri()}', 'format' = 'json')"
            )
        selected = ", ".join(f"CAST({sql} AS STRING)" for sql in expressions)
        tables.execute_sql(f"INSERT INTO found SELECT {selected} FROM texts").wait()
        (row,) = rows_in(folder / "found")
        return [row[f"v{place}"] for place in range(len(expressions))]

    return evaluate


def _wrong(cases: Sequence[Any], expected: Sequence[Any], found: Sequence[Any]) -> list[str]:
    assert len(cases) == len(expected) == len(found)
    return [
        f"{case}: expected {want!r}, got {got!r}"
        for case, want, got in zip(cases, expected, found, strict=True)
        if want != got
    ]


def _fails(values: Sequence[Value]) -> list[str]:
    """For each value SQL that is TRUE when its row fails."""
    conditions = [[f"({failure.condition})" for failure in value.failures] for value in values]
    return [f"COALESCE({' OR '.join(found)}, FALSE)" if found else "FALSE" for found in conditions]


def test_functions_of_one_value(values_of: Callable[..., list[Any]]) -> None:
    cases = function_cases.PUBLISHED + function_cases.BY_HAND
    results = [call(case.function, case.arguments) for case in cases]
    assert _wrong(cases, [case.expected for case in cases], values_of([result.sql for result in results])) == []


def test_texts_that_come_with_the_row_are_read_as_constants_are(values_of: Callable[..., list[Any]]) -> None:
    """And a row fails, as AWS dropped it, when there is a text but no time."""
    cases = [case for case in function_cases.PUBLISHED + function_cases.BY_HAND if case.function.startswith("CHAR_TO")]
    values = [
        call(case.function, [case.arguments[0], Value(f"t{place}", argument("").type)])
        for place, case in enumerate(cases)
    ]
    texts = [case.arguments[1] for case in cases]
    found = values_of([value.sql for value in values] + _fails(values), texts)
    assert _wrong(cases, [case.expected for case in cases], found[: len(cases)]) == []
    failing = [str(case.expected is None and case.arguments[1] is not None).upper() for case in cases]
    assert _wrong(cases, failing, found[len(cases) :]) == []
    assert failing.count("TRUE") > 20 and failing.count("FALSE") > 20


def test_log_parsers(values_of: Callable[..., list[Any]]) -> None:
    cases = log_cases.PUBLISHED + log_cases.BY_HAND
    values = [
        call(case.function, [Value(f"t{place}", argument("").type), *case.arguments[1:]])
        for place, case in enumerate(cases)
    ]
    for case, value in zip(cases, values, strict=True):
        assert value.fields is not None and list(value.fields) == list(case.expected), case
    lines = [case.arguments[0] for case in cases]
    sql = [field.replace(RECORD, value.sql) for value in values for field, _ in (value.fields or {}).values()]
    names = [(case, name) for case in cases for name in case.expected]
    expected = [one for case in cases for one in case.expected.values()]
    found = values_of(sql + _fails(values), lines)
    assert _wrong(names, expected, found[: len(sql)]) == []
    assert _wrong(cases, [str(case.fails).upper() for case in cases], found[len(sql) :]) == []


def test_extract(values_of: Callable[..., list[Any]]) -> None:
    cases = function_cases.EXTRACTS
    found = values_of([extract(unit, value).sql for unit, value, _ in cases])
    assert _wrong(cases, [expected for _, _, expected in cases], found) == []


def test_the_types_are_those_that_flink_finds(new_tables: Callable[[], Any]) -> None:
    """A type that is said and another that comes would fail only when something is inserted."""
    cases = function_cases.PUBLISHED + function_cases.BY_HAND
    values = [call(case.function, case.arguments) for case in cases]
    values += [extract(unit, value) for unit, value, _ in function_cases.EXTRACTS]
    listed = ", ".join(f"{value.sql} AS c{place}" for place, value in enumerate(values))
    schema = new_tables().sql_query(f"SELECT {listed}")._j_table.getResolvedSchema()
    found = [str(kind.getLogicalType().getTypeRoot()) for kind in schema.getColumnDataTypes()]
    said = [_ROOTS.get(value.type.name, value.type.name) if value.type else None for value in values]
    wrong = [
        (value, root)
        for value, kind, root in zip(values, said, found, strict=True)
        if kind is not None and root.replace("CHAR", "VARCHAR").replace("VARVARCHAR", "VARCHAR") != kind
    ]
    assert wrong == []


#: What Flink calls the types of the dialect.
_ROOTS = {"TIMESTAMP": "TIMESTAMP_WITHOUT_TIME_ZONE", "TIME": "TIME_WITHOUT_TIME_ZONE", "CHAR": "VARCHAR"}


def test_there_are_cases_of_every_function_here() -> None:
    tried = {case.function for case in function_cases.PUBLISHED + function_cases.BY_HAND}
    tried |= {case.function for case in log_cases.PUBLISHED + log_cases.BY_HAND}
    assert {*texts.SCALARS, *time_texts.SCALARS, *log_parsers.SCALARS} <= tried
