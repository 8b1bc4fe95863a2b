"""State is read back as it was written, or refused with a sentence."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import SnapshotError
from udfs.replay_log import (
    VERSION,
    LogEntry,
    StateMismatchError,
    check_header,
    decode_snapshot,
    encode_header,
    encode_snapshot,
    frame,
    key_of_text,
    key_text,
    unframe,
)

simple_keys = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(st.characters(exclude_categories=("Cs",)))
)
# a key of several columns is a tuple of at least two; of none, the empty one
keys = simple_keys | st.lists(simple_keys, min_size=2, max_size=4).map(tuple) | st.just(())


def entry(n: int = 5, d: int = 2) -> LogEntry:
    random = np.random.default_rng(0)
    values = random.normal(size=(n, d))
    values[0, 0] = np.nan
    return LogEntry(
        (key_text("a"), key_text(("ü", None, 3))),
        np.arange(n, dtype=np.int64) % 2,
        np.arange(n, dtype=np.int64) * 1_000 - 2**40,
        values,
        -7,
    )


@given(keys)
def test_a_key_comes_back_as_it_was(key: Any) -> None:
    back = key_of_text(key_text(key))
    assert (back, type(back)) == (key, type(key))
    key_text(key).encode()


@given(keys, keys)
def test_texts_tell_keys_apart(one: Any, other: Any) -> None:
    # True == 1 in Python, but one partition column has one type
    same = repr(one) == repr(other)
    assert (key_text(one) == key_text(other)) is same


@given(
    st.lists(simple_keys.map(key_text), max_size=5, unique=True),
    st.integers(0, 40),
    st.integers(1, 4),
    st.integers(-(2**62), 2**62),
    st.randoms(use_true_random=False),
)
def test_a_log_entry_comes_back_bit_for_bit(texts: list[str], n: int, d: int, start_ms: int, random: Any) -> None:
    bits = np.array([random.getrandbits(64) for _ in range(n * d)], dtype=np.uint64).view(np.float64).reshape(n, d)
    times = np.array([random.getrandbits(63) - 2**62 for _ in range(n)], dtype=np.int64)
    rows = np.array([random.randrange(max(1, len(texts))) for _ in range(n)], dtype=np.int64)
    back = LogEntry.decode(LogEntry(tuple(texts), rows, times, bits, start_ms).encode())
    assert back.keys == tuple(texts)
    assert back.key_of_row.tolist() == rows.tolist()
    assert back.times_ms.tolist() == times.tolist()
    assert back.values.tobytes() == bits.tobytes() and back.values.shape == (n, d)
    assert back.start_ms == start_ms
    assert (back.key_of_row.dtype, back.times_ms.dtype, back.values.dtype) == (np.int64, np.int64, np.float64)


def test_a_log_entry_is_as_small_as_it_says() -> None:
    small, large = len(entry(10, 3).encode()), len(entry(110, 3).encode())
    assert large - small == 100 * (12 + 8 * 3)


def test_values_in_any_memory_order_are_written_the_same() -> None:
    straight = entry(6, 3)
    fortran = np.asfortranarray(straight.values)
    strided = np.repeat(straight.values, 2, axis=0)[::2]
    for values in (fortran, strided):
        other = LogEntry(straight.keys, straight.key_of_row, straight.times_ms, values, straight.start_ms)
        assert other.encode() == straight.encode()


FRAMED = {
    "log entry": (entry().encode(), LogEntry.decode),
    "snapshot": (encode_snapshot(-5, b"model bytes"), decode_snapshot),
    "header": (encode_header("F", {"trees": 100}), lambda data: check_header(data, "F", {"trees": 100})),
}


@pytest.mark.parametrize("what", FRAMED)
def test_every_flipped_bit_is_noticed(what: str) -> None:
    data, read = FRAMED[what]
    read(data)
    for position in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            with pytest.raises(SnapshotError, match=what):
                read(bytes(damaged))


@pytest.mark.parametrize("what", FRAMED)
def test_every_cut_is_noticed(what: str) -> None:
    data, read = FRAMED[what]
    for length in range(len(data)):
        with pytest.raises(SnapshotError, match="cut off"):
            read(data[:length])
    with pytest.raises(SnapshotError, match="checksum"):
        read(data + b"\0")


@pytest.mark.parametrize("what", FRAMED)
def test_bytes_of_another_kind_or_version_are_named(what: str) -> None:
    data, read = FRAMED[what]
    for other, (foreign, _) in FRAMED.items():
        if other != what:
            with pytest.raises(SnapshotError, match=f"{what}: begins with .* these are other bytes"):
                read(foreign)
    newer = data[:4] + struct.pack("<H", VERSION + 1) + data[6:]
    with pytest.raises(SnapshotError, match=f"{what}: format version {VERSION + 1}, this code reads {VERSION}"):
        read(newer)


def test_a_frame_is_what_the_format_says() -> None:
    """Written state must be readable by later versions, so the layout of the bytes is fixed here."""
    assert frame(b"CBKS", b"body") == b"CBKS" + struct.pack("<HI", 1, zlib.crc32(b"body")) + b"body"
    assert unframe(b"CBKS", frame(b"CBKS", b""), "snapshot") == b""
    one = LogEntry(('["a"]',), np.array([0]), np.array([1234]), np.array([[1.5]]), 1000)
    texts = rb'["[\"a\"]"]'
    body = struct.pack("<IIIq", 1, len(texts), 1, 1000) + texts + struct.pack("<Iqd", 0, 1234, 1.5)
    assert one.encode() == frame(b"CBLG", body)
    assert encode_snapshot(7, b"m") == frame(b"CBKS", struct.pack("<q", 7) + b"m")


@given(st.integers(-(2**63), 2**63 - 1), st.binary(max_size=200))
def test_a_snapshot_comes_back(last_ms: int, model: bytes) -> None:
    assert decode_snapshot(encode_snapshot(last_ms, model)) == (last_ms, model)


def test_a_header_agrees_with_itself_whatever_the_order_and_kind_of_sequence() -> None:
    header = encode_header("F", {"trees": 100, "columns": ("a", "ü"), "idle": None})
    check_header(header, "F", {"columns": ["a", "ü"], "idle": None, "trees": 100})


@pytest.mark.parametrize(
    ("function", "parameters", "said"),
    [
        ("G", {"trees": 100, "columns": ["a"]}, "the saved state is of F, the file calls G"),
        ("F", {"trees": 50, "columns": ["a"]}, r"F: .*\(trees 100 -> 50\)"),
        ("F", {"trees": 100, "columns": ["a", "b"]}, r"columns \['a'\] -> \['a', 'b'\]"),
        ("F", {"trees": 100, "columns": ["a"], "depth": 3}, "depth None -> 3"),
        ("F", {"columns": ["a"]}, "trees 100 -> None"),
        ("F", {"trees": 1, "columns": []}, r"columns \['a'\] -> \[\], trees 100 -> 1"),
    ],
)
def test_other_parameters_are_refused_by_name(function: str, parameters: dict[str, Any], said: str) -> None:
    header = encode_header("F", {"trees": 100, "columns": ["a"]})
    with pytest.raises(StateMismatchError, match=said) as refusal:
        check_header(header, function, parameters)
    assert "--fresh" in str(refusal.value)
