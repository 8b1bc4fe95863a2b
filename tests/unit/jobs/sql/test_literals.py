"""Values written out in SQL."""

from __future__ import annotations

import pytest

from jobs.sql.literals import Literal, LiteralError, read_literal
from jobs.sql.located import File, LocatedText
from jobs.sql.tokens import tokenize


def read(text: str) -> Literal:
    return read_literal(tokenize(LocatedText.whole(File("p.sql", text))))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("9223372036854775808", 2**63),
        ("-5", -5),
        ("+5", 5),
        ("- 5", -5),
        ("1.5", 1.5),
        (".5", 0.5),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("1e-5", 1e-5),
        ("-2.5E3", -2500.0),
        ("1e400", float("inf")),
        ("TRUE", True),
        ("false", False),
        ("'it''s'", "it's"),
        ("''", ""),
        ("NULL", None),
    ],
)
def test_values(text: str, value: object) -> None:
    literal = read(text)
    assert literal == Literal(value)  # type: ignore[arg-type]
    assert type(literal.value) is type(value)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("INTERVAL '1' SECOND", 1_000),
        ("interval '0.2' second", 200),
        ("INTERVAL '0.001' SECOND", 1),
        ("INTERVAL ' 10 ' SECONDS", 10_000),
        ("INTERVAL '1.5' MINUTE", 90_000),
        ("INTERVAL '2' HOURS", 7_200_000),
        ("INTERVAL '400' DAY(3)", 34_560_000_000),
        ("INTERVAL -'1' SECOND", -1_000),
        ("INTERVAL '-1' SECOND", -1_000),
        ("INTERVAL -'-1' SECOND", 1_000),
        ("INTERVAL '1e1' SECOND", 10_000),
    ],
)
def test_intervals_are_milliseconds(text: str, milliseconds: int) -> None:
    assert read(text) == Literal(milliseconds, is_interval=True)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("CAST(NULL AS INT)", "CAST"),
        ("TRY_CAST('1' AS INT)", "TRY_CAST"),
        ("a", "a"),
        ("`TRUE`", "TRUE"),
        ("1 + 2", "1"),
        ("(1)", "("),
        ("f(1)", "f"),
        ("-", "-"),
        ("- 'a'", "-"),
        ("'a' 'b'", "a"),
        ("INTERVAL 1 SECOND", "1"),
        ("INTERVAL '1'", "1"),
        ("INTERVAL '1' MONTH", "MONTH"),
        ("INTERVAL '1' YEAR TO MONTH", "TO"),
        ("INTERVAL '1:30' MINUTE TO SECOND", "TO"),
        ("INTERVAL 'one' SECOND", "one"),
        ("INTERVAL 'NaN' SECOND", "NaN"),
        ("INTERVAL '0.0005' SECOND", "0.0005"),
        ("INTERVAL '1e999' SECOND", "1e999"),
        ("INTERVAL '1e999999' DAY", "1e999999"),
        ("INTERVAL 'Infinity' DAY", "Infinity"),
        ("INTERVAL", "INTERVAL"),
    ],
)
def test_what_is_no_value_is_told_at_its_word(text: str, word: str) -> None:
    with pytest.raises(LiteralError) as caught:
        read(text)
    assert caught.value.token.value == word
    assert str(caught.value)
