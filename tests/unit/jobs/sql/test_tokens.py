"""The words of Flink SQL, as its own lexer tells them apart (each case was tried on Flink 2.3)."""

from __future__ import annotations

import pytest

from jobs.errors import SqlError
from jobs.sql.located import File, LocatedText
from jobs.sql.tokens import Kind, end_with_hints, tokenize


def values(text: str) -> list[str]:
    return [token.value for token in tokenize(LocatedText.whole(File("p.sql", text)))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a => b", ["a", "=>", "b"]),
        ("`a``b` `FROM`", ["a`b", "FROM"]),
        ("'it''s; -- x' ''", ["it's; -- x", ""]),
        ("'a\\' b", ["a\\", "b"]),
        ("a -- it's ; `\nb", ["a", "b"]),
        ("a // it's ; `\nb", ["a", "b"]),
        ("a--b", ["a"]),
        ("a /* x /* y */ b", ["a", "b"]),
        ("a/**/b", ["a", "b"]),
        ("t /*+ OPTIONS('a'='b') */ x", ["t", "x"]),
        ("Group By", ["Group", "By"]),
        ("1e-5 1.5E3 10", ["1e-5", "1.5E3", "10"]),
        ("-2.5", ["-", "2.5"]),
        ("a.b.`c d`", ["a", ".", "b", ".", "c d"]),
        ("SHOW x; EXECUTE 'y'", ["SHOW", "x", ";", "EXECUTE", "y"]),
        ("größe 温度", ["größe", "温度"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert values(text) == expected


def test_places_are_those_of_the_text() -> None:
    text = "SELECT `a b`,\n 'c''d' -- e\n FROM f"
    for token in tokenize(LocatedText.whole(File("p.sql", text))):
        written = text[token.start : token.end]
        shown = {Kind.QUOTED: "`a b`", Kind.STRING: "'c''d'"}.get(token.kind, token.value)
        assert written == shown


def test_quoted_words_are_never_keywords() -> None:
    quoted, word = tokenize(LocatedText.whole(File("p.sql", "`from` From")))
    assert (quoted.upper, word.upper) == ("", "FROM")


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("a 'b", 3, "single quote"),
        ("'a' 'b'' c", 5, "single quote"),
        ("a `b", 3, "backquote"),
        ("a /* b", 3, "*/ is missing"),
        ('a "b"', 3, "double quotes"),
        ("a = ‘b’", 5, "typographic"),
        ("a = “b”", 5, "typographic"),
    ],
)
def test_what_cannot_be_read_is_told_at_its_place(text: str, column: int, part: str) -> None:
    with pytest.raises(SqlError) as caught:
        values(text)
    assert (caught.value.line, caught.value.column) == (1, column)
    assert part in caught.value.message


def test_quotes_of_other_kinds_are_fine_inside_texts() -> None:
    assert values("'say \"hi\" ‘’'") == ['say "hi" ‘’']


@pytest.mark.parametrize(
    ("tail", "kept"),
    [
        ("", ""),
        (" -- c", ""),
        (" /* c */ ", ""),
        (" /*+ OPTIONS('a'='b') */ -- c", " /*+ OPTIONS('a'='b') */"),
        (" -- /*+ c */", ""),
        (" -- c\n /*+ H */ // d", " -- c\n /*+ H */"),
    ],
)
def test_text_ends_with_its_last_hint(tail: str, kept: str) -> None:
    text = "t" + tail
    assert text[: end_with_hints(text, 1, len(text))] == "t" + kept
