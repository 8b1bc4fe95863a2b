"""Wrong pipelines: each case file fails with the message its first line expects, before Flink sees anything.

A case begins with ``-- expect: line:column: message``, then ``-- set: name=value`` for each placeholder set.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobs.errors import SqlError
from jobs.sql.call import Input, InputKind
from jobs.sql.calls import read_calls
from jobs.sql.checks import InputColumn, check_call
from jobs.sql.label_checks import check_labelled_call
from jobs.sql.statements import StatementKind, read_script
from jobs.sql.tables import CreateTable, read_table
from udfs.functions.labelled import LabelledFunction

CASES = sorted((Path(__file__).parents[3] / "sql" / "wrong").glob("*.sql"))
PLANNER_CASES = sorted((Path(__file__).parents[3] / "sql" / "wrong_planner").glob("*.sql"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_wrong_pipeline_is_refused_at_its_place(case: Path) -> None:
    assert problem(case) == expected(case)


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 100
    assert len(PLANNER_CASES) >= 30


@pytest.mark.parametrize("case", PLANNER_CASES, ids=lambda case: case.stem)
def test_case_for_the_planner_is_right_as_far_as_can_be_told_without_one(case: Path) -> None:
    assert problem(case) is None
    assert re.match(r"\d+:\d+: .{10,}", expected(case))


def test_messages_are_one_line_and_say_something() -> None:
    for case in CASES:
        message = expected(case).split(": ", 1)[1]
        assert message[:1] != " " and 20 < len(message) < 250, case.stem


def expected(case: Path) -> str:
    """What the first line of a case says."""
    return case.read_text(encoding="utf-8").split("\n")[0].removeprefix("-- expect: ")


def given(case: Path) -> dict[str, str]:
    """What a case sets on its second and following lines."""
    values = {}
    for line in case.read_text(encoding="utf-8").split("\n")[1:]:
        if not line.startswith("-- set: "):
            break
        name, _, value = line.removeprefix("-- set: ").partition("=")
        values[name] = value
    return values


def problem(case: Path) -> str | None:
    """``line:column: message`` of the first thing wrong with a case; None when nothing is."""
    try:
        script = read_script(case, given(case))
        tables = {statement.name: read_table(statement) for statement in script.of_kind(StatementKind.CREATE_TABLE)}
        for calls in read_calls(script).values():
            for call in calls:
                columns = schema(call.input, tables)
                if columns is None:
                    continue
                if isinstance(call.function, LabelledFunction):
                    labels = None if call.labels is None else schema(call.labels, tables)
                    check_labelled_call(call, call.function, columns, labels)
                else:
                    check_call(call, columns)
    except SqlError as error:
        assert error.exit_code == 2
        assert str(error) == f"{case}:{error.line}:{error.column}: {error.message}"
        return f"{error.line}:{error.column}: {error.message}"
    return None


def schema(read: Input, tables: dict[str, CreateTable]) -> list[InputColumn] | None:
    """The columns of a table of a call where the file alone tells them: a table that it declares."""
    table = tables.get(read.path[-1]) if read.kind is InputKind.TABLE else None
    if table is None:
        return None
    time = table.watermark.column if table.watermark else None
    return [InputColumn(c.name, c.sql_type, c.name == time) for c in table.columns if c.expression is None]
