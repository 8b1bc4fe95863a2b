"""Paths: the forms of AWS's guide, names a dot cannot carry, and where a text stops being a path."""

from __future__ import annotations

import pytest

from jobs.kinesis.json_path import EACH, JsonPath, member, parse_path


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("$", ()),
        ("$.customerName", ("customerName",)),
        ("$.address.streetAddress.street", ("address", "streetAddress", "street")),
        ("$.orders[0:]", ("orders", EACH)),
        ("$.orders[0:].orderId", ("orders", EACH, "orderId")),
        ("$.orders[2].orderId", ("orders", 2, "orderId")),
        ("$['a.b'].c", ("a.b", "c")),
        ("$['it''s']", None),
        (r"$['it\'s'][ 0 : ].x", ("it's", EACH, "x")),
        ("$.user@domain.with-dash", ("user@domain", "with-dash")),
    ],
)
def test_paths_are_read_and_written(text: str, steps: tuple[object, ...] | None) -> None:
    if steps is None:
        with pytest.raises(ValueError, match="at character"):
            parse_path(text)
        return
    found = parse_path(text)
    assert found.steps == steps
    assert parse_path(str(found)) == found


def test_what_becomes_rows() -> None:
    assert parse_path("$.a.orders[0:].id").unrolled == parse_path("$.a.orders")
    assert parse_path("$[0:].id").unrolled == JsonPath(())
    assert parse_path("$.orders[0:]").unrolled is None, "the whole array is one value"
    assert parse_path("$.orders[1].id").unrolled is None


@pytest.mark.parametrize(
    "name", ["volume", "two words", "a.b", "it's", 'say "so"', "back\\slash", "[0]", "[0:]", "é", ""]
)
def test_any_name_is_a_member(name: str) -> None:
    assert parse_path(str(member(name))) == member(name) == JsonPath((name,))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("volume", "a path begins with $"),
        ("$.", "at character 2"),
        ("$.a..b", "at character 4"),
        ("$.a[", "at character 4"),
        ("$.a[1:]", "[0:] is the only range of elements, got [1:]"),
        ("$.a[*]", "at character 4"),
        ("$.a[0:].b[0:].c", "only one [0:]"),
    ],
)
def test_what_is_no_path_is_refused_at_its_place(text: str, complaint: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse_path(text)
    assert complaint in str(refusal.value)
