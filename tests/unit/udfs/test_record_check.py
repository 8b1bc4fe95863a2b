"""Each bad record has one reason, and a sentence that helps to find it; `tests/jobs` holds SQL to the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cluster.poison import MAX_LENGTH, NOW, Poison, all_poison, raw
from udfs.record_check import ColumnContract, RecordContract, reason, time_pattern
from udfs.record_tap import REASONS

LOUDNESS = RecordContract(
    (
        ColumnContract("device", "STRING", required=True, key=True),
        ColumnContract("event_time", "TIMESTAMP_LTZ(3)", required=True),
        ColumnContract("volume", "DOUBLE", required=True),
    ),
    MAX_LENGTH,
)
#: What is found where nothing is wrong but, perhaps, the time's distance from Kafka's own.
NOTHING = "time_out_of_range"


@pytest.mark.parametrize("kind", all_poison(), ids=lambda kind: kind.name)
def test_poison_has_its_reason(kind: Poison) -> None:
    why, detail = reason(kind.value, LOUDNESS)
    assert why == (kind.reason or NOTHING), detail
    assert 10 < len(detail) < 300


def test_the_corpus_has_every_reason_and_is_large() -> None:
    kinds = all_poison()
    assert {kind.reason for kind in kinds} == {*REASONS, None}
    assert sum(kind.reason is not None for kind in kinds) >= 120
    assert sum(kind.reason is None for kind in kinds) >= 30


def one(sql_type: str, text: str, **more: bool) -> tuple[str, str]:
    """What is found for a record whose one column has this JSON text."""
    contract = RecordContract((ColumnContract("c", sql_type, **more),), MAX_LENGTH, timed=False)
    return reason(f'{{"c": {text}}}'.encode(), contract)


@pytest.mark.parametrize(
    ("sql_type", "text", "said"),
    [
        ("TINYINT", "128", "c is 128, which does not fit TINYINT"),
        ("INT", "1.5", "c is 1.5, expected INT"),
        ("BIGINT", '"1"', "c is a string, expected BIGINT"),
        ("DECIMAL(5, 2)", "1000", "c is 1000, which does not fit DECIMAL(5, 2)"),
        ("BOOLEAN", "1", "c is a number, expected BOOLEAN"),
        ("STRING", "{}", "c is an object, expected STRING"),
        ("DATE", '"2026-02-30"', "c: '2026-02-30' is not a DATE"),
        ("TIME", '"24:00:00"', "c: '24:00:00' is not a TIME"),
        ("TIMESTAMP(3)", '"2026-01-01T10:00:00Z"', "c: '2026-01-01T10:00:00Z' is not a TIMESTAMP(3)"),
        ("TIMESTAMP_LTZ(3)", '"2026-01-01"', "c: '2026-01-01' is not a TIMESTAMP_LTZ(3)"),
        ("ARRAY<DOUBLE>", "5", "c is a number, expected ARRAY<DOUBLE>"),
        ("ARRAY<DOUBLE>", '[1, "x"]', "c[1] is a string, expected DOUBLE"),
        ("ARRAY<INT>", "[1, null, 2.5]", "c[2] is 2.5, expected INT"),
    ],
)
def test_wrong_types_are_named(sql_type: str, text: str, said: str) -> None:
    assert one(sql_type, text) == ("wrong_type", said)


@pytest.mark.parametrize(
    ("sql_type", "text"),
    [("DOUBLE", "1e309"), ("FLOAT", "3.5e38"), ("DOUBLE", "NaN"), ("DOUBLE", '" -Inf "'), ("INT", '"NaN"')],
)
def test_what_is_not_finite(sql_type: str, text: str) -> None:
    assert one(sql_type, text)[0] == "not_finite"


def test_absence_of_a_key_is_told_from_that_of_a_field() -> None:
    assert one("STRING", "null", required=True, key=True) == ("key_missing", "c is null")
    assert one("STRING", "null", required=True) == ("missing_field", "c is null")
    contract = RecordContract((ColumnContract("c", "STRING", required=True),), MAX_LENGTH)
    assert reason(b"{}", contract) == ("missing_field", "c is not there")


@pytest.mark.parametrize("sql_type", ["STRING", "DOUBLE", "BOOLEAN", "DATE", "ARRAY<INT>"])
def test_null_and_absence_are_legal_where_the_column_allows_them(sql_type: str) -> None:
    expected = ("wrong_type", "a value is not what its column takes")
    assert one(sql_type, "null") == expected
    assert reason(b"{}", RecordContract((ColumnContract("c", sql_type),), MAX_LENGTH, timed=False)) == expected


def test_a_null_in_a_nullable_key_column_is_legal() -> None:
    """NULL forms a group of its own in SQL; only NOT NULL makes its absence a reason."""
    contract = RecordContract(
        (ColumnContract("device", "STRING", key=True), ColumnContract("n", "INT", required=True)), MAX_LENGTH
    )
    assert reason(b'{"device": null}', contract) == ("missing_field", "n is not there")


def test_sql_times_are_written_with_a_space() -> None:
    contract = RecordContract((ColumnContract("c", "TIMESTAMP_LTZ(3)"),), MAX_LENGTH, sql_timestamps=True)
    assert reason(b'{"c": "2026-01-31 10:00:00.5Z"}', contract)[0] == NOTHING
    assert reason(b'{"c": "2026-01-31T10:00:00.5Z"}', contract)[0] == "wrong_type"


def test_the_limit_of_length_counts_characters() -> None:
    contract = RecordContract((ColumnContract("c", "INT", required=True),), max_length=12)
    assert reason('{"d":"éééé"}'.encode(), contract)[0] == "missing_field"
    assert reason('{"d":"ééééé"}'.encode(), contract) == ("too_large", "13 characters, at most 12 are read")


def test_deep_records_are_read_from_deep_in_the_stack() -> None:
    """The interpreter's limit of recursion counts its callers; a record must not fail by where it is read."""

    def below(levels: int) -> tuple[str, str]:
        return below(levels - 1) if levels else reason(raw(more=', "n": ' + "[" * 998 + "]" * 998), LOUDNESS)

    assert below(500)[0] == NOTHING


def test_a_time_has_a_pattern_and_nothing_else_has() -> None:
    assert time_pattern("TIMESTAMP_LTZ(3)", False) is not None
    assert time_pattern("STRING", False) is None


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_have_a_reason(data: bytes) -> None:
    why, detail = reason(data, LOUDNESS)
    assert why in REASONS and detail
    json.dumps(detail).encode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("device", "event_time", "volume", "x"), json_values)))
def test_any_document_has_a_reason_that_is_true(document: dict[str, object]) -> None:
    why, detail = reason(json.dumps(document).encode(), LOUDNESS)
    device, volume = document.get("device"), document.get("volume")
    match why:
        case "key_missing":
            assert device is None
        case "missing_field":
            assert document.get("event_time") is None or volume is None
        case "not_finite":
            assert "NaN" in detail or "Infinity" in detail or "inf" in detail.lower()
        case _:
            assert why == "wrong_type"  # no random text is a time
            assert "expected" in detail or "is not a" in detail


@given(st.text(max_size=20))
def test_no_text_but_a_time_is_one(text: str) -> None:
    why, _ = reason(json.dumps({"device": "d", "event_time": text, "volume": 1}).encode(), LOUDNESS)
    assert why == "wrong_type"
    why, _ = reason(json.dumps({"device": text, "event_time": NOW, "volume": 1}).encode(), LOUDNESS)
    assert why == NOTHING
