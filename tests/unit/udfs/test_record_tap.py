"""Refused records leave as JSON that says where they lie and holds all their bytes, and are counted by reason."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.unit.udfs.fake_flink import FakeContext
from udfs.record_check import ColumnContract, RecordContract
from udfs.record_tap import LATE, REASONS, REJECTED, RecordTap, TapPlan, reject_json

PLAN = TapPlan("loudness", RecordContract((ColumnContract("c", "INT", required=True),), 1_000))


def tapped(*records: tuple[Any, ...]) -> tuple[list[Any], dict[str, int]]:
    """What leaves for these records, and the counters that are not 0."""
    context, tap = FakeContext(), RecordTap(PLAN)
    tap.open(context)
    rows = [row for record in records for row in tap.process_element(record, context)]
    return rows, {name: count for name, count in context.metrics().items() if count}


def test_a_reject_says_where_it_lies_and_why() -> None:
    bad = b'{"c": "\xc3\xa9"}'
    ((status, data),), counts = tapped((REJECTED, 3, 2**40, 1_790_000_000_007, bad))
    assert status == REJECTED
    assert json.loads(data) == {
        "topic": "loudness",
        "partition": 3,
        "offset": 2**40,
        "timestamp": "2026-09-21T14:13:20.007Z",
        "reason": "wrong_type",
        "detail": "c is a string, expected INT",
        "raw": base64.b64encode(bad).decode(),
    }
    assert list(json.loads(data)) == ["topic", "partition", "offset", "timestamp", "reason", "detail", "raw"]
    assert counts == {"rejected": 1, "rejected_wrong_type": 1}


@pytest.mark.parametrize("bad", [bytearray(b"\xff"), b"\xff"])
def test_bytes_come_as_flink_gives_them(bad: Any) -> None:
    ((_, data),), _ = tapped((REJECTED, 0, 0, 0, bad))
    assert base64.b64decode(json.loads(data)["raw"]) == b"\xff"


def test_a_tombstone_has_no_bytes() -> None:
    ((_, data),), counts = tapped((REJECTED, 0, 5, 0, None))
    reject = json.loads(data)
    assert (reject["raw"], reject["reason"], reject["timestamp"]) == (None, "tombstone", "1970-01-01T00:00:00.000Z")
    assert counts == {"rejected": 1, "rejected_tombstone": 1}


@pytest.mark.parametrize(
    ("timestamp_ms", "written"),
    [
        (-1, "1969-12-31T23:59:59.999Z"),
        (999, "1970-01-01T00:00:00.999Z"),
        (4_102_444_800_001, "2100-01-01T00:00:00.001Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        # microseconds sent as milliseconds, and what an overflow makes of them
        (1_790_000_000_000_000, None),
        (-100_000_000_000_000, None),
        (2**63 - 1, None),
    ],
)
def test_timestamps_keep_their_milliseconds(timestamp_ms: int, written: str | None) -> None:
    data = reject_json("t", 0, 0, timestamp_ms, "empty", "", b"")
    assert json.loads(data)["timestamp"] == written


def test_a_late_row_leaves_as_it_came() -> None:
    late = b'{"c": 1}'
    rows, counts = tapped((LATE, 0, 1, 0, late), (REJECTED, 0, 2, 0, b""), (LATE, 0, 3, 0, late))
    assert [tuple(row) for row in rows if row[0] == LATE] == [(LATE, late), (LATE, late)]
    assert counts == {"late": 2, "rejected": 1, "rejected_empty": 1}


def test_every_reason_has_a_counter() -> None:
    context, tap = FakeContext(), RecordTap(PLAN)
    tap.open(context)
    assert set(context.counters) == {"late", "rejected", *(f"rejected_{why}" for why in REASONS)}


def test_details_are_readable_and_the_record_is_utf8() -> None:
    data = reject_json("t", 0, 0, 0, "not_json", "é is odd", b"\x00")
    assert "é is odd".encode() in data
    # half a surrogate pair, as JSON can hold one, has no UTF-8
    ((_, data),), _ = tapped((REJECTED, 0, 0, 0, rb'{"c": "\ud800"}'))
    json.loads(data.decode())
