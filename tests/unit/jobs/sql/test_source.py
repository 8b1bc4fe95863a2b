"""Placeholders: filled strictly, and places still those of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.errors import SqlError
from jobs.sql.located import File
from jobs.sql.source import fill, find_placeholders, read_source


def filled(text: str, **values: str) -> str:
    return fill(File("p.sql", text), values).text


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("no placeholder", {}, "no placeholder"),
        ("a ${x} b", {"x": "1"}, "a 1 b"),
        ("${x}${x}", {"x": "1"}, "11"),
        ("${x:-7}", {}, "7"),
        ("${x:-7}", {"x": "8"}, "8"),
        ("${x:-7} ${x}", {}, "7 7"),
        ("${x} ${x:-7}", {}, "7 7"),
        ("${x:-}", {}, ""),
        ("${x:-a b 'c' $}", {}, "a b 'c' $"),
        ("'${x}'", {"x": "it's"}, "'it''s'"),
        ("`${x}`", {"x": "a`b"}, "`a``b`"),
        ("${x}", {"x": "it's"}, "it's"),
        ("'it''s ${x}'", {"x": "a'b"}, "'it''s a''b'"),
        ("`it's` ${x}", {"x": "a'b"}, "`it's` a'b"),
        ("'a -- ${x}'", {"x": "1"}, "'a -- 1'"),
        ("'a /* ${x} */'", {"x": "1"}, "'a /* 1 */'"),
        ("a -- ${x} it's\n'${y}'", {"y": "b'"}, "a -- ${x} it's\n'b'''"),
        ("a // ${x}\r\n${y}", {"y": "b"}, "a // ${x}\r\nb"),
        ("a /* ${x} ' */ ${y}", {"y": "b'"}, "a /* ${x} ' */ b'"),
        ("t /*+ OPTIONS('a'='${y}') */", {"y": "b"}, "t /*+ OPTIONS('a'='b') */"),
        ("$${x} $$ $x", {}, "${x} $$ $x"),
        ("${x}", {"x": "${x}"}, "${x}"),
    ],
)
def test_filled_text(text: str, values: dict[str, str], expected: str) -> None:
    assert filled(text, **values) == expected


def test_places_behind_a_value_are_those_of_the_file() -> None:
    text = fill(File("p.sql", "a ${long_name}\n'${b:-x}' here"), {"long_name": "1\n2\n3", "b": "it's"})
    assert text.text == "a 1\n2\n3\n'it''s' here"
    assert text.position(text.text.index("here")) == (2, 11)
    assert text.position(text.text.index("2")) == (1, 3)
    assert text.position(text.text.index("''s")) == (2, 2)


@pytest.mark.parametrize("text", ["${", "${}", "${a", "${1a}", "${a b}", "${a-b}", "${a:b}", "x ${a:-b"])
def test_malformed_placeholder_is_refused_at_its_place(text: str) -> None:
    with pytest.raises(SqlError, match="a placeholder is") as caught:
        filled(text)
    assert caught.value.column == text.index("$") + 1


def test_all_missing_values_are_named_at_once() -> None:
    with pytest.raises(SqlError) as caught:
        filled("${a} ${b:-1} ${c} ${a} ${d}", d="1")
    assert str(caught.value) == "p.sql:1:1: ${a} has no value: give --set a=... (and --set c=...)"


def test_placeholder_knows_the_quote_it_stands_in() -> None:
    found, _ = find_placeholders(File("p.sql", "${a} '${b}' `${c:-d}`"))
    assert [(p.name, p.default, p.quote) for p in found] == [
        ("a", None, ""),
        ("b", None, "'"),
        ("c", "d", "`"),
    ]


def test_file_is_read_without_its_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "p.sql"
    path.write_bytes(b"\xef\xbb\xbfSELECT ${x}")
    assert read_source(path, {"x": "1"}).text == "SELECT 1"


def test_missing_file_is_an_error_of_use(tmp_path: Path) -> None:
    with pytest.raises(SqlError, match=r"none\.sql:1:1: cannot be read: No such file"):
        read_source(tmp_path / "none.sql")


def test_file_that_is_not_utf8_is_told_where(tmp_path: Path) -> None:
    path = tmp_path / "p.sql"
    path.write_bytes("SELECT 1;\nSELECT 'é".encode("latin-1"))
    with pytest.raises(SqlError, match=r"p\.sql:2:9: not UTF-8"):
        read_source(path)
