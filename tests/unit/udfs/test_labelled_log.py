"""Bytes of functions with late labels come back as they were, or are refused with a sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from models.errors import SnapshotError
from udfs.labelled_log import (
    Events,
    decode_events,
    decode_key,
    decode_waiting,
    encode_events,
    encode_key,
    encode_waiting,
)

EVENTS = Events(
    keys=["a", None, ("x", 1, None), "a", True],
    times_ms=[1, 1, 2, 3, 2**53 + 1],
    is_label=[False, True, False, True, False],
    ids=["i", None, 2**63 - 1, "ü\ud800", "j"],
    labels=[None, 0.1 + 0.2, None, -0.0, 5e-324],
    columns=[[0.1 + 0.2, None, math.inf], ["text", None, '"'], [True, None, False], [2**62, None, -1]],
)


def test_events_come_back_to_the_bit() -> None:
    again, start_ms = decode_events(encode_events(EVENTS, -5))
    assert start_ms == -5
    assert repr(again) == repr(EVENTS), "-0.0 and whole numbers too"


def test_a_float_that_is_no_number_stays_one() -> None:
    events = Events(["k"], [1], [False], [1], [None], [[math.nan]])
    (((value,),), _) = (decode_events(encode_events(events, 0))[0].columns, 0)
    assert math.isnan(value)


def test_a_pack_in_which_only_time_passed() -> None:
    events = Events([], [], [], [], [], [[], []])
    assert decode_events(encode_events(events, 7)) == (events, 7)


def test_keys_and_what_waits_come_back() -> None:
    assert decode_key(encode_key({"learned": 3, "pending": []}, b"\0model")) == (
        {"learned": 3, "pending": []},
        b"\0model",
    )
    assert decode_key(encode_key({}, b"")) == ({}, b"")
    assert decode_waiting(encode_waiting(4, {'["ü"]': 2**53})) == (4, {'["ü"]': 2**53})


ALL: list[tuple[bytes, Callable[[bytes], Any]]] = [
    (encode_events(EVENTS, 1), decode_events),
    (encode_key({"learned": 1}, b"model"), decode_key),
    (encode_waiting(1, {"[]": 5}), decode_waiting),
]


@pytest.mark.parametrize(("data", "decode"), ALL)
def test_damaged_bytes_are_refused(data: bytes, decode: Callable[[bytes], Any]) -> None:
    for wrong in (b"", data[:9], data[:-1], data + b"x", b"NOPE" + data[4:], data[:20] + b"\xff\xff" + data[22:]):
        with pytest.raises(SnapshotError, match=r"too few|checksum|these are other bytes"):
            decode(wrong)
    for other, _ in ALL:
        if other != data:
            with pytest.raises(SnapshotError, match="these are other bytes"):
                decode(other)


def test_bytes_of_format_1_are_read() -> None:
    """Written by the first version of this code; state of jobs that run is made of such bytes."""
    key = bytes.fromhex(FORMAT_1_KEY)
    events = bytes.fromhex(FORMAT_1_EVENTS)
    assert decode_key(key) == ({"learned": 2}, b"M")
    assert decode_events(events) == (Events(["k"], [5], [True], ["i"], [1.0], [[]]), 4)


FORMAT_1_KEY = "43424c440100f15b03bc150000007801ab56ca494d2cca4b4d51b232aa050020de04844d"
FORMAT_1_EVENTS = (
    "43424556010044d2a6c70100000004000000000000007801ab56ca4ead2c56b28a8e56ca568a8dd50171813c0320ab243337"
    "15c83405327312935273e28bf2cb412a41729929408652a6124c0ec833d4034924e7e794e6e6810d8c8dad05005b871d17"
)
