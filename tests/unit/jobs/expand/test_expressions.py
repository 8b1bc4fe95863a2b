"""Generated SQL that can be judged as text; what it computes is judged in `tests/jobs`."""

from __future__ import annotations

import pytest

from jobs.expand import quote
from jobs.expand.crossing import Element, crossing_of, precision_of, time_crossing
from jobs.expand.record_sql import field_of, finite
from jobs.expand.watermark import common_interval, rounded
from jobs.sql.tables import Column, Span


@pytest.mark.parametrize(
    ("sql_type", "element"),
    [
        ("STRING", Element.STRING), ("VARCHAR(2147483647)", Element.STRING), ("VARCHAR(5)", Element.STRING),
        ("CHAR(5) NOT NULL", Element.STRING), ("BOOLEAN", Element.BOOLEAN), ("TINYINT", Element.INT),
        ("SMALLINT NOT NULL", Element.INT), ("INT", Element.INT), ("INTEGER", Element.INT), ("BIGINT", Element.BIGINT),
        ("FLOAT", Element.DOUBLE), ("DOUBLE NOT NULL", Element.DOUBLE), ("DECIMAL(10, 2)", Element.STRING),
        ("DATE", Element.STRING), ("TIME(3)", Element.STRING), ("TIMESTAMP(6)", Element.STRING),
        ("TIMESTAMP_LTZ(3)", Element.BIGINT), ("TIMESTAMP_LTZ", Element.BIGINT), ("TIMESTAMP_LTZ(9)", Element.STRING),
        ("TIMESTAMP_LTZ(3) *ROWTIME*", Element.BIGINT), ("BYTES", Element.STRING), ("VARBINARY(4)", Element.STRING),
    ],
)  # fmt: skip
def test_each_type_has_a_way(sql_type: str, element: Element) -> None:
    crossing = crossing_of(sql_type)
    assert crossing is not None and crossing.element is element
    assert "{0}" in crossing.pack and "{0}" in crossing.unpack
    assert "NOT NULL" not in crossing.unpack and "ROWTIME" not in crossing.unpack


@pytest.mark.parametrize(
    "sql_type",
    ["MAP<STRING, INT>", "ARRAY<INT>", "ROW<a INT>", "VARIANT", "MULTISET<INT>", "INTERVAL DAY", "RAW('a', 'b')"],
)
def test_nested_types_have_none(sql_type: str) -> None:
    assert crossing_of(sql_type) is None


def test_what_needs_no_cast_has_none() -> None:
    for sql_type in ("STRING", "BIGINT", "INT", "DOUBLE", "BOOLEAN"):
        crossing = crossing_of(sql_type)
        assert crossing is not None and (crossing.pack, crossing.unpack) == ("{0}", "{0}")


@pytest.mark.parametrize("sql_type", ["TIMESTAMP(3)", "TIMESTAMP_LTZ(3)", "TIMESTAMP_LTZ(3) *ROWTIME*"])
def test_the_time_attribute_crosses_as_milliseconds(sql_type: str) -> None:
    assert time_crossing(sql_type).element is Element.BIGINT


@pytest.mark.parametrize(
    ("sql_type", "precision"), [("TIMESTAMP(3)", 3), ("TIMESTAMP", 6), ("TIMESTAMP_LTZ(0)", 0), ("DECIMAL(5, 2)", 6)]
)
def test_precision(sql_type: str, precision: int) -> None:
    assert precision_of(sql_type, 6) == precision


@pytest.mark.parametrize(
    ("batches", "interval"), [([], None), ([1000], 1000), ([200, 1000, 250], 1000), ([7000, 3000], 21_000)]
)
def test_packs_of_all_calls_end_at_a_common_boundary(batches: list[int], interval: int | None) -> None:
    assert common_interval(batches) == interval


def test_the_usual_intervals_name_the_expression_once() -> None:
    """It may parse JSON."""
    for interval in (1_000, 60_000):
        assert rounded("EXPENSIVE", "TIMESTAMP_LTZ(3)", interval).count("EXPENSIVE") == 1


def _column(sql_type: str, name: str = "c") -> Column:
    return Column(name, sql_type, False, None, False, None, None, Span(0, 0))


@pytest.mark.parametrize(
    "sql_type",
    [
        "ROW<a INT>",
        "MAP<STRING, INT>",
        "ARRAY<ARRAY<INT>>",
        "ARRAY<ROW<a INT>>",
        "BYTES",
        "TIMESTAMP_LTZ(9)",
        "VARIANT",
    ],
)
def test_types_without_a_strict_reading(sql_type: str) -> None:
    assert field_of(_column(sql_type), False) is None


def test_only_floating_point_can_be_infinite() -> None:
    assert finite(_column("INT")) is None and finite(_column("DECIMAL(5, 2)")) is None
    assert finite(_column("FLOAT")) == "(`c` IS NULL OR ABS(`c`) <= 3.4028235E38)"


@pytest.mark.parametrize(
    ("milliseconds", "literal"),
    [
        (10, "INTERVAL '0 00:00:00.010' DAY TO SECOND(3)"),
        (1_000, "INTERVAL '0 00:00:01.000' DAY TO SECOND(3)"),
        (90_061_001, "INTERVAL '1 01:01:01.001' DAY TO SECOND(3)"),
    ],
)
def test_intervals(milliseconds: int, literal: str) -> None:
    assert quote.interval(milliseconds) == literal


def test_quotes_are_doubled() -> None:
    assert quote.name("a`b") == "`a``b`"
    assert quote.text("it's") == "'it''s'"
    assert quote.names(["a", "b c"]) == "`a`, `b c`"
    assert quote.options({"it's": "x'y"}) == "  'it''s' = 'x''y'"
