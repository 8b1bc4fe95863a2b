"""Inferring a schema: the names of AWS's guide, types, nesting, arrays, csv, and records that are odd."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from jobs.errors import UsageError
from jobs.kinesis.discovery import column_name, discover
from jobs.kinesis.source_tables import Sources
from jobs.kinesis.sources import parse_sources
from jobs.kinesis.sources_text import sources_text


def lines(*records: Any) -> list[bytes]:
    return [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]


def columns(*records: Any) -> list[tuple[str, str, str]]:
    """Name, type and path of each column that is found; what is found can be written and read."""
    found = discover("t", lines(*records)).source
    written = sources_text(Sources({found.name: found}, {}, {}))
    assert parse_sources(written).sources[found.name] == found
    return [(column.name, str(column.type), str(column.path)) for column in found.columns]


@pytest.mark.parametrize(
    ("name", "order", "expected"),
    [
        # the three of the guide
        ("USER", 0, "COL_USER"),
        ("USER@DOMAIN", 1, "COL_USERDOMAIN"),
        ("@@", 0, "COL_0"),
        ("timestamp", 3, "COL_timestamp"),
        ("2nd", 3, "COL_2nd"),
        ("volume", 3, "volume"),
        ("heart_Rate2", 3, "heart_Rate2"),
        ("a" * 101, 3, "COL_" + "a" * 96),
        ("a" * 100, 3, "a" * 100),
    ],
)
def test_names(name: str, order: int, expected: str) -> None:
    assert column_name(name, order) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([60, 100], "TINYINT"),  # the heart rate of the guide
        ([-128, 127], "TINYINT"),
        ([-129], "SMALLINT"),
        ([128], "SMALLINT"),
        ([32768], "INTEGER"),
        ([2**31], "BIGINT"),
        ([2**63], "DOUBLE"),
        ([1, 2.5], "DOUBLE"),
        ([True, None, False], "BOOLEAN"),
        ([1, True], "VARCHAR(4)"),
        (["AMZN", None], "VARCHAR(4)"),
        (["TECHNOLOGY"], "VARCHAR(16)"),
        (["x" * 16], "VARCHAR(16)"),
        (["x" * 17], "VARCHAR(32)"),
        ([""], "VARCHAR(4)"),
        (["x" * 70_000], "VARCHAR(65534)"),
        (["2009-09-16 03:15:24.0", "2009-09-16T03:15:24Z"], "TIMESTAMP"),
        (["2009-09-16"], "DATE"),
        (["2009-09-16", "soon"], "VARCHAR(16)"),
        (["2009-13-16"], "VARCHAR(16)"),
        ([1, "one"], "VARCHAR(4)"),
        ([None], "VARCHAR(16)"),
        ([[1, 2, 3]], "VARCHAR(16)"),
    ],
)
def test_types(values: list[Any], expected: str) -> None:
    assert [kind for _, kind, _ in columns(*({"v": value} for value in values))] == [expected]


def test_a_type_that_may_be_too_small_is_marked() -> None:
    found = discover("t", lines({"rate": 60, "n": 70_000, "mixed": 1}, {"rate": 100, "n": 1, "mixed": "x"})).source
    assert [column.guess for column in found.columns] == [
        "seen 60..100; INTEGER if more may come",
        None,
        "seen as a number and as a text",
    ]


def test_members_of_members_get_paths_and_names_of_their_own() -> None:
    record = {
        "customerName": "John Doe",
        "address": {"city": "Anytown", "geo": {"lat": 1.5, "at.x": 1}},
        "billing": {"city": "Othertown"},
        "empty": {},
    }
    assert columns(record, {"customerName": "Jane", "address": None}) == [
        ("customerName", "VARCHAR(8)", "$.customerName"),
        ("address_city", "VARCHAR(8)", "$.address.city"),
        ("lat", "DOUBLE", "$.address.geo.lat"),
        ("COL_atx", "TINYINT", "$.address.geo['at.x']"),
        ("billing_city", "VARCHAR(16)", "$.billing.city"),
        ("empty", "VARCHAR(4)", "$.empty"),
    ]


def test_the_first_array_of_objects_becomes_rows_and_others_are_one_value() -> None:
    """As in the guide's example: the customer repeats for each order."""
    record = {
        "customerName": "John Doe",
        "tags": ["a", "b"],
        "orders": [{"orderId": "23284", "itemPrice": 33.99}, {"orderId": "63122", "parts": [{"p": 1}]}],
        "refunds": [{"orderId": "1"}],
    }
    assert columns(record, {"orders": []}) == [
        ("customerName", "VARCHAR(8)", "$.customerName"),
        ("tags", "VARCHAR(16)", "$.tags[0:]"),
        ("orderId", "VARCHAR(8)", "$.orders[0:].orderId"),
        ("itemPrice", "DOUBLE", "$.orders[0:].itemPrice"),
        ("parts", "VARCHAR(16)", "$.orders[0:].parts"),
        ("refunds", "VARCHAR(32)", "$.refunds[0:]"),
    ]


@pytest.mark.parametrize(
    ("rows", "delimiter", "expected"),
    [
        (["a,1,2.5", "bcdef,300,", "c,-1,7"], ",", ["VARCHAR(8)", "SMALLINT", "DOUBLE"]),
        (["a|2009-09-16 03:15:24", "b|2009-09-17 03:15:24"], "|", ["VARCHAR(4)", "TIMESTAMP"]),
        (["a\t007", "b\t008"], "\t", ["VARCHAR(4)", "TINYINT"]),
        (["a;b"], ";", ["VARCHAR(4)", "VARCHAR(4)"]),
    ],
)
def test_csv_is_recognised(rows: list[str], delimiter: str, expected: list[str]) -> None:
    found = discover("t", [row.encode() for row in rows]).source
    assert (found.format, found.delimiter) == ("csv", delimiter)
    assert [str(column.type) for column in found.columns] == expected
    assert [column.name for column in found.columns] == [f"COL_{place}" for place in range(len(expected))]


def test_anything_else_is_one_text() -> None:
    found = discover("t", [b"Oct 11 22:14:15 host su: failed", b"no pattern, here"]).source
    (column,) = found.columns
    assert (found.format, str(column.type)) == ("csv", "VARCHAR(32)")
    assert not any(found.delimiter in text for text in ("Oct 11 22:14:15 host su: failed", "no pattern, here"))


def test_a_few_odd_records_are_left_out_and_counted() -> None:
    records = [*lines(*({"v": place} for place in range(9))), b"broken {"]
    random.Random(1).shuffle(records)
    found = discover("t", records)
    assert (found.source.format, found.read, found.odd) == ("json", 9, 1)


@pytest.mark.parametrize("records", [[], [b""], [b"\xff\xfe"], lines({})])
def test_nothing_to_learn_from_is_told(records: list[bytes]) -> None:
    with pytest.raises(UsageError, match="topic 'empty': "):
        discover("empty", records)
