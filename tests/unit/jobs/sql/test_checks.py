"""Calls against the columns of what they read; what must fail is in tests/sql/wrong."""

from __future__ import annotations

import pytest

from jobs.errors import SqlError
from jobs.sql.call import Call
from jobs.sql.calls import read_calls
from jobs.sql.checks import InputColumn, check_call
from jobs.sql.located import File, LocatedText
from jobs.sql.statements import split

TIME = InputColumn("ts", "TIMESTAMP_LTZ(3)", is_time_attribute=True)


def call(arguments: str = "", key: str = "PARTITION BY k") -> Call:
    text = (
        f"INSERT INTO o SELECT * FROM RANDOM_CUT_FOREST(input => TABLE t {key}, on_time => DESCRIPTOR(ts){arguments})"
    )
    ((found,),) = read_calls(split(LocatedText.whole(File("p.sql", text)))).values()
    return found


def columns(*types: str) -> list[InputColumn]:
    return [InputColumn(f"c{i}", sql_type) for i, sql_type in enumerate(types)]


def test_default_columns_are_the_numbers_but_key_and_time() -> None:
    schema = [
        InputColumn("k", "INT NOT NULL"),
        TIME,
        InputColumn("processed", "TIMESTAMP_LTZ(3) NOT NULL"),
        *columns("TINYINT", "smallint", "INT NOT NULL", "INTEGER", "BIGINT", "FLOAT", "DOUBLE PRECISION", "DOUBLE"),
        *[InputColumn(t, t) for t in ("STRING", "BOOLEAN", "DATE", "ARRAY<INT>", "ROW<a DOUBLE>", "BYTES")],
    ]
    assert check_call(call(), schema).column_names == tuple(f"c{i}" for i in range(8))
    assert check_call(call(key=""), schema).column_names[0] == "k"


def test_given_columns_keep_their_order() -> None:
    schema = [InputColumn("k", "STRING"), TIME, *columns("INT", "DOUBLE", "DECIMAL(10, 2)")]
    checked = check_call(call(", columns => DESCRIPTOR(c1, c0)"), schema)
    assert checked.column_names == ("c1", "c0")
    assert checked.schema == tuple(schema)


def test_thirty_columns_are_allowed_and_thirty_one_are_not() -> None:
    schema = [InputColumn("k", "STRING"), TIME]
    assert len(check_call(call(), [*schema, *columns(*["DOUBLE"] * 30)]).columns) == 30
    with pytest.raises(SqlError, match="columns must be 1 to 30, got 31"):
        check_call(call(), [*schema, *columns(*["DOUBLE"] * 31)])


def test_time_attribute_may_be_of_either_kind() -> None:
    for sql_type in ("TIMESTAMP(3)", "TIMESTAMP_LTZ(3) NOT NULL", "TIMESTAMP_LTZ(3) *ROWTIME*"):
        schema = [InputColumn("k", "STRING"), InputColumn("ts", sql_type, True), *columns("INT")]
        assert check_call(call(), schema).column_names == ("c0",)


@pytest.mark.parametrize("sql_type", ["DECIMAL(10, 2)", "NUMERIC(4)", "dec", "DECIMAL(38, 18) NOT NULL"])
def test_decimal_is_refused_with_the_cast_to_write(sql_type: str) -> None:
    schema = [InputColumn("k", "STRING"), TIME, InputColumn("price", sql_type)]
    for arguments in ("", ", columns => DESCRIPTOR(price)"):
        with pytest.raises(SqlError, match=r"use CAST\(price AS DOUBLE\)"):
            check_call(call(arguments), schema)


def test_decimal_key_is_no_matter() -> None:
    assert check_call(call(), [InputColumn("k", "DECIMAL(3)"), TIME, *columns("INT")]).column_names == ("c0",)
