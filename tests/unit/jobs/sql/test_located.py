"""Every character of a rewritten text must be found where the user wrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.sql.located import File, LocatedText, Replacement

ALPHABET = "ab \n"


def whole(text: str) -> LocatedText:
    return LocatedText.whole(File("p.sql", text))


def test_position_counts_lines_and_columns_from_one() -> None:
    file = File("p.sql", "ab\nc\n\nd")
    assert [tuple(file.position(i)) for i in range(8)] == [
        (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1), (4, 1), (4, 2),
    ]  # fmt: skip


def test_error_shows_file_line_and_column() -> None:
    error = whole("ab\ncd").slice(3, 5).error("no", 1)
    assert str(error) == "p.sql:2:2: no"
    assert (error.file, error.line, error.column, error.message, error.exit_code) == ("p.sql", 2, 2, "no", 2)


def test_replacement_lies_where_the_replaced_span_began() -> None:
    text = whole("SELECT * FROM f(x, y) WHERE z").replace([Replacement(14, 21, "`a view`")])
    assert text.text == "SELECT * FROM `a view` WHERE z"
    assert text.origin(13) == 13
    assert {text.origin(i) for i in range(14, 22)} == {14}
    assert text.origin(text.text.index("z")) == 28


def test_outer_replacement_takes_inner_ones_along() -> None:
    assert whole("a(b(c))d").replace([Replacement(2, 6, "X"), Replacement(0, 7, "Y")]).text == "Yd"


def test_overlapping_replacements_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        whole("abcdef").replace([Replacement(0, 3, "x"), Replacement(2, 5, "y")])


def test_wrap_keeps_the_places_inside() -> None:
    text = whole("abc").slice(1, 3).wrap("SELECT ", " FROM t")
    assert text.text == "SELECT bc FROM t"
    assert [text.origin(i) for i in (0, 7, 8, 9)] == [1, 1, 2, 3]


def test_empty_text_has_a_place() -> None:
    assert whole("").replace([]).position(0) == (1, 1)
    assert whole("ab").slice(1, 1).origin(0) == 1


@given(st.data())
def test_kept_characters_are_found_where_they_stand(data: st.DataObject) -> None:
    """After any chain of slices and replacements a kept character's origin holds that very character."""
    original = data.draw(st.text(ALPHABET, min_size=1, max_size=30))
    text = whole(original)
    for _ in range(data.draw(st.integers(1, 4))):
        if not text.text:
            break
        cuts = sorted(data.draw(st.lists(st.integers(0, len(text.text)), min_size=2, max_size=4, unique=False)))
        if data.draw(st.booleans()):
            text = text.slice(cuts[0], cuts[-1])
        else:
            pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
            inserted = data.draw(st.text("XYZ", max_size=3))
            expected, done = "", 0
            for start, end in pairs:
                expected += text.text[done:start] + inserted
                done = end
            expected += text.text[done:]
            text = text.replace(Replacement(start, end, inserted) for start, end in pairs)
            assert text.text == expected
    for i, character in enumerate(text.text):
        if character in ALPHABET:
            assert original[text.origin(i)] == character
        else:
            assert 0 <= text.origin(i) <= len(original)
