"""Types of the dialect: all spellings people use, and what is refused."""

from __future__ import annotations

import pytest

from jobs.kinesis.column_types import ColumnType, parse_type


@pytest.mark.parametrize(
    ("text", "expected", "flink"),
    [
        ("INTEGER", "INTEGER", "INT"),
        ("int", "INTEGER", "INT"),
        ("TinyInt", "TINYINT", "TINYINT"),
        ("smallint", "SMALLINT", "SMALLINT"),
        ("BIGINT", "BIGINT", "BIGINT"),
        ("REAL", "REAL", "FLOAT"),
        ("FLOAT", "DOUBLE", "DOUBLE"),
        ("double  precision", "DOUBLE", "DOUBLE"),
        ("DECIMAL(5,2)", "DECIMAL(5,2)", "DECIMAL(5, 2)"),
        ("NUMERIC ( 7 )", "DECIMAL(7,0)", "DECIMAL(7, 0)"),
        ("dec", "DECIMAL", "DECIMAL(19, 0)"),
        ("VARCHAR(16)", "VARCHAR(16)", "VARCHAR(16)"),
        ("VARCHAR (1024)", "VARCHAR(1024)", "VARCHAR(1024)"),
        ("varchar", "VARCHAR", "STRING"),
        ("character varying(4)", "VARCHAR(4)", "VARCHAR(4)"),
        ("CHARACTER(3)", "CHAR(3)", "CHAR(3)"),
        ("CHAR", "CHAR(1)", "CHAR(1)"),
        ("VARBINARY", "VARBINARY", "BYTES"),
        ("binary(8)", "BINARY(8)", "BINARY(8)"),
        ("TimeStamp", "TIMESTAMP", "TIMESTAMP(3)"),
        ("TIMESTAMP(3)", "TIMESTAMP", "TIMESTAMP(3)"),
        ("time", "TIME", "TIME(3)"),
        (" Date ", "DATE", "DATE"),
        ("BOOLEAN", "BOOLEAN", "BOOLEAN"),
    ],
)
def test_types_are_read_and_written(text: str, expected: str, flink: str) -> None:
    found = parse_type(text)
    assert (str(found), found.flink) == (expected, flink)
    assert parse_type(str(found)) == found


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("STRING", "there is no type STRING; expected one of BIGINT"),
        ("INTERVAL DAY", "INTERVAL exists in expressions only"),
        ("VARCHAR(0)", "the length must be in 1..65534, got 0"),
        ("VARCHAR(65535)", "the length must be in 1..65534, got 65535"),
        ("VARCHAR(3,4)", "takes one length"),
        ("DECIMAL(20)", "1..19 digits"),
        ("DECIMAL(3,4)", "1..19 digits"),
        ("INTEGER(4)", "takes nothing in parentheses"),
        ("TIMESTAMP(6)", "takes nothing in parentheses"),
        ("", "expected a type"),
        ("VARCHAR(", "expected a type"),
        ("INTEGER NOT NULL", "expected a type"),
    ],
)
def test_what_is_no_type_is_refused_with_the_expectation(text: str, complaint: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse_type(text)
    assert complaint in str(refusal.value)


def test_kinds() -> None:
    kinds = {
        name: (t.is_numeric, t.is_integer, t.is_text, t.is_time)
        for name in ("TINYINT", "DOUBLE", "DECIMAL", "VARCHAR", "CHAR", "TIMESTAMP", "DATE", "BOOLEAN", "VARBINARY")
        for t in [ColumnType(name)]
    }
    assert kinds["TINYINT"] == (True, True, False, False)
    assert kinds["DOUBLE"] == kinds["DECIMAL"] == (True, False, False, False)
    assert kinds["VARCHAR"] == kinds["CHAR"] == (False, False, True, False)
    assert kinds["TIMESTAMP"] == kinds["DATE"] == (False, False, False, True)
    assert kinds["BOOLEAN"] == kinds["VARBINARY"] == (False, False, False, False)
