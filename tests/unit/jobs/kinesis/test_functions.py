"""Calls that cannot be kept, and what the message says; what needs Flink is in tests/jobs/kinesis."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.kinesis import tree
from jobs.kinesis.column_types import ColumnType
from jobs.kinesis.functions.declaration import ArgumentFault
from jobs.kinesis.functions.time_texts import extract
from jobs.kinesis.parse_statements import parse
from jobs.kinesis.tree import SUBSTRING_COMMA, SUBSTRING_SIMILAR
from jobs.kinesis.values import RECORD, TIMESTAMP, Value
from tests.jobs.conftest import located
from tests.jobs.kinesis.function_cases import Sql, call

TIME = Sql("t", "TIMESTAMP")
TEXT = Sql("s", "VARCHAR(8)")


@pytest.mark.parametrize(
    ("function", "arguments", "place", "complaint"),
    [
        ("UPPER", (3,), 0, "expected a text, got INTEGER"),
        ("CHAR_TO_TIMESTAMP", (TEXT, "2009"), 0, "the pattern must be a text that is written out, got s"),
        ("CHAR_TO_TIMESTAMP", ("yyyy-QQ", TEXT), 0, "'Q' means nothing in the pattern 'yyyy-QQ'"),
        ("CHAR_TO_TIMESTAMP", ("'yyyy", TEXT), 0, "an apostrophe is not closed"),
        ("CHAR_TO_TIMESTAMP", ("yyyy ww", TEXT), 0, "'w' of the pattern 'yyyy ww' cannot be read, only written"),
        ("CHAR_TO_TIMESTAMP", ("yyyy-yyyy", TEXT), 0, "'y' stands twice"),
        ("CHAR_TO_TIMESTAMP", ("-", TEXT), 0, "names no part of a time"),
        ("CHAR_TO_TIMESTAMP", ("HHXXXX", TEXT), 0, "expected X, XX or XXX"),
        ("TIMESTAMP_TO_CHAR", ("ww", TIME), 0, "'w' of the pattern 'ww' depends on a country"),
        ("TIMESTAMP_TO_CHAR", ("yyyy", TEXT), 1, "expected a DATE, TIME or TIMESTAMP, got VARCHAR(8)"),
        ("TIMESTAMP_TO_CHAR", ("yyyy", Sql("d", "DATE")), 1, "expected a TIMESTAMP, got DATE"),
        ("OVERLAY", ("a", "b", 1, -1), 3, "the length must not be negative, got (-1)"),
        (
            "SUBSTRING",
            (
                "abc",
                "b(",
            ),
            1,
            "a ) is missing in the expression 'b('",
        ),
        ("SUBSTRING", ("abc", "b", 3), 2, "it takes no length"),
        (SUBSTRING_SIMILAR, ("abc", 'a#"b', "#"), 1, "expected three parts"),
        (SUBSTRING_SIMILAR, ("abc", 'a#"b#"c', "##"), 2, "ESCAPE takes one character, got"),
        ("TRIM", ("BOTH", "ab", "x"), 1, "it takes away one character, got 'ab'"),
        ("REGEX_REPLACE", ("a", "[", "b", 1, 0), 1, "a ] is missing in the expression '['"),
        ("REGEX_REPLACE", ("a", "a)", "b", 1, 0), 1, "there is a ) too many at character 2"),
        ("REGEX_REPLACE", ("a", "a", "$", 1, 0), 2, "a $ in the replacement must name a group"),
        ("REGEX_REPLACE", ("a", "a", "b\\", 1, 0), 2, "ends in a single backslash"),
        ("REGEX_REPLACE", ("a", "(a)", "$1", 1, 0), 2, "can be kept for one match"),
        ("REGEX_REPLACE", ("a", "(a)", "$2", 1, 1), 2, "the expression has 1 groups, got $2"),
        ("REGEX_REPLACE", ("a", "(a)", "b", 1, 2), 4, "can be kept for occurrence 0 and 1 only"),
        ("REGEX_REPLACE", ("a", "(a)\\1", "b", 1, 1), 1, "refers back to a group"),
        ("REGEX_REPLACE", ("a", "a", "b", 0, 0), 3, "start must be a number that is written out, 1 or more"),
        ("REGEX_REPLACE", ("a", "a", "b", 1, -1), 4, "occurrence must be a number that is written out, 0 or more"),
        (
            "REGEX_REPLACE",
            ("a", TEXT, "b", 1, 0),
            1,
            "must be a text that is written out, got s",
        ),
    ],
)
def test_a_wrong_call_says_which_argument_and_why(
    function: str, arguments: tuple[Any, ...], place: int, complaint: str
) -> None:
    with pytest.raises(ArgumentFault) as refusal:
        call(function, arguments)
    assert complaint in str(refusal.value) and refusal.value.index == place


@pytest.mark.parametrize(
    ("function", "arguments", "place", "complaint"),
    [
        ("REGEX_LOG_PARSE", (TEXT, "a"), 1, "each ( ) of the expression is a field; 'a' has none"),
        ("REGEX_LOG_PARSE", (TEXT, "(a"), 1, "a ) is missing"),
        ("REGEX_LOG_PARSE", (TEXT, "(a)", "x INTEGER, y INTEGER"), 2, "1 groups, but 2 columns are described"),
        ("FAST_REGEX_LOG_PARSE", (TEXT, "a"), 1, "each ( ) of the expression is a field"),
        ("FAST_REGEX_LOG_PARSE", (TEXT, "((a))"), 1, "a group inside a group is not kept, at character 2"),
        ("FAST_REGEX_LOG_PARSE", (TEXT, "(a)*"), 1, "a repeated group is not kept"),
        ("FAST_REGEX_LOG_PARSE", (TEXT, "(a)&b"), 1, "& is not kept; write \\& for the character"),
        ("FAST_REGEX_LOG_PARSE", (TEXT, "(a"), 1, "this group is not closed, at character 1"),
        ("FAST_REGEX_LOG_PARSE", (TEXT, "(a)|b"), 1, "a choice must stand in a group"),
        ("FAST_REGEX_LOG_PARSE", (TEXT, "(a))"), 1, "there is no group to close"),
        ("FAST_REGEX_LOG_PARSE", (TEXT, "(<Letter>)"), 1, "expected one of <Digit>, <Upper>"),
        ("FAST_REGEX_LOG_PARSE", (TEXT, "([a)"), 1, "this class is not closed"),
        ("FAST_REGEX_LOG_PARSE", (TEXT, '("a)'), 1, "this quotation mark is not closed"),
        ("FAST_REGEX_LOG_PARSE", (TEXT, "(a{3,2})"), 1, "asks for at least 3 and at most 2"),
        ("FAST_REGEX_LOG_PARSE", (TEXT, "(*)"), 1, "there is nothing to repeat before *"),
        ("FIXED_COLUMN_LOG_PARSE", (TEXT, "a TYPE INTEGER"), 1, "A needs START and a number"),
        ("FIXED_COLUMN_LOG_PARSE", (TEXT, "a TYPE INTEGER START x"), 1, "expected a number behind START, got 'x'"),
        ("FIXED_COLUMN_LOG_PARSE", (TEXT, "a TYPE STRING START 0"), 1, "A: there is no type STRING"),
        ("FIXED_COLUMN_LOG_PARSE", (TEXT, "a START 0, A START 1"), 1, "two columns are described as A"),
        ("FIXED_COLUMN_LOG_PARSE", (TEXT, "a START 0 b"), 1, "expected a comma, got 'b'"),
        ("FIXED_COLUMN_LOG_PARSE", (TEXT, "a TYPE INTEGER 'yyyy' START 0"), 1, "only dates and times take a pattern"),
        ("FIXED_COLUMN_LOG_PARSE", (TEXT, "a TYPE DATE 'QQ' START 0"), 1, "A: 'Q' means nothing"),
        ("FIXED_COLUMN_LOG_PARSE", (TEXT, "a ? b"), 1, "cannot read the columns at character 2"),
        ("VARIABLE_COLUMN_LOG_PARSE", (TEXT, 0, ","), 1, "expected 1..1000 columns or their descriptions, got 0"),
        ("VARIABLE_COLUMN_LOG_PARSE", (TEXT, 2, ""), 2, "the delimiter is empty"),
        ("VARIABLE_COLUMN_LOG_PARSE", (TEXT, 2, ",", "ab"), 3, "the escape is one character, got 'ab'"),
        ("VARIABLE_COLUMN_LOG_PARSE", (TEXT, 2, ",", "", "abc"), 4, "the quotes are one or two characters"),
        ("W3C_LOG_PARSE", (TEXT, "IIS"), 1, "IIS is named in the reference without its columns"),
        ("W3C_LOG_PARSE", (TEXT, "COMMMON"), 1, "expected COMMON, COMMON WITH VHOST"),
        ("W3C_LOG_PARSE", (TEXT, "%h %J"), 1, "there is no specifier '%J' at character 4"),
        ("W3C_LOG_PARSE", (TEXT, "%i"), 1, "%i needs a name, %[...]i"),
    ],
)
def test_a_wrong_log_parser_says_which_argument_and_why(
    function: str, arguments: tuple[Any, ...], place: int, complaint: str
) -> None:
    with pytest.raises(ArgumentFault) as refusal:
        call(function, arguments)
    assert complaint in str(refusal.value) and refusal.value.index == place


def test_extract_names_its_units() -> None:
    with pytest.raises(ArgumentFault, match="expected one of YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, got WEEK"):
        extract("WEEK", Value("t", TIMESTAMP))
    with pytest.raises(ArgumentFault, match="an interval of days and times has no YEAR"):
        extract("YEAR", Value("i", None, unit="DAY"))


def test_a_record_has_the_fields_by_their_names() -> None:
    value = call("VARIABLE_COLUMN_LOG_PARSE", (TEXT, 'a TYPE INT, "b c"', ","))
    assert (value.sql, value.type) == ("s", None) and value.fields is not None
    assert {name: kind for name, (_, kind) in value.fields.items()} == {
        "A": ColumnType("INTEGER"),
        "b c": ColumnType("VARCHAR", length=1024),
    }
    assert value.fields["b c"][0] == f"CAST(SPLIT_INDEX({RECORD}, ',', 1) AS VARCHAR(1024))"
    assert [failure.message for failure in value.failures] == ["a text that is no INTEGER"]
    assert RECORD not in value.failures[0].condition


def test_the_forms_of_substring_are_told_apart() -> None:
    forms = {
        "SUBSTRING(a FROM 2 FOR 3)": "SUBSTRING",
        "SUBSTRING(a, 2, 3)": SUBSTRING_COMMA,
        "SUBSTRING(a || b SIMILAR 'x#\"y#\"z' ESCAPE '#')": SUBSTRING_SIMILAR,
    }
    for text, function in forms.items():
        (pump,) = parse(located(f"CREATE PUMP p AS INSERT INTO s SELECT STREAM {text} FROM t;"))
        assert isinstance(pump, tree.CreatePump) and isinstance(pump.query, tree.Select)
        (item,) = pump.query.items
        assert isinstance(item.value, tree.Call)
        assert (item.value.function, len(item.value.arguments)) == (function, 3)
