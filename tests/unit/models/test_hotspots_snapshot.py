"""Hotspots as bytes: the same bits go on, and nothing else is taken for them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import SnapshotError
from models.hotspots import Hotspots, HotspotsPool
from models.hotspots.snapshot import Parts, encode

DATA = Path(__file__).parents[2] / "data"
FORMAT_1 = DATA / "hotspots" / "format_1.snapshot"
#: The records in that file: the last 12 of 17 by a formula anybody can repeat.
RECORDS_1 = np.array([[k * k % 7 / 4, k % 3] for k in range(17)], np.float64)


def grown(n: int = 95) -> Hotspots:
    model = Hotspots(2, 40, 1.0, 4)
    model.process(np.random.default_rng(4).normal(size=(n, 2)))
    return model


@pytest.mark.parametrize("n", [0, 1, 39, 40, 95])
def test_the_same_bits_go_on(n: int) -> None:
    model, rest = grown(n), np.random.default_rng(5).normal(size=(60, 2))
    loaded = Hotspots.load(model.dump())
    assert (loaded.columns, loaded.nbytes, loaded.dump()) == (2, model.nbytes, model.dump())
    ours, theirs = model.process(rest), loaded.process(rest)
    assert [repr(spots) for spots in ours["hotspots"]] == [repr(spots) for spots in theirs["hotspots"]]
    assert ours["count"].any()
    assert loaded.dump() == model.dump()


def test_equal_windows_are_equal_bytes() -> None:
    """Whatever came before them, and wherever the window begins in memory."""
    records = np.random.default_rng(6).normal(size=(40, 2))
    one, other = grown(), grown(13)
    one.process(records)
    other.process(records)
    assert one.dump() == other.dump()


def test_format_1_is_read() -> None:
    model = Hotspots.load(FORMAT_1.read_bytes())
    assert np.array_equal(model.records, RECORDS_1[-12:])
    fresh = Hotspots(2, 12, 0.75, 3)
    fresh.process(RECORDS_1)
    assert model.process(RECORDS_1)["hotspots"].tolist() == fresh.process(RECORDS_1)["hotspots"].tolist()


def test_every_damaged_byte_and_every_cut_is_seen() -> None:
    data = grown(12).dump()
    for place in range(len(data)):
        for wrong in (data[:place], data[:place] + bytes([data[place] ^ 0x20]) + data[place + 1 :]):
            with pytest.raises(SnapshotError):
                Hotspots.load(wrong)
    with pytest.raises(SnapshotError, match="1 bytes too many"):
        Hotspots.load(data + b"\0")


def test_other_kinds_and_versions_are_named() -> None:
    with pytest.raises(SnapshotError, match="'random_cut_forest', not of 'hotspots'"):
        Hotspots.load((DATA / "random_cut_forest" / "format_1.snapshot").read_bytes())
    data = bytearray(grown(3).dump())
    data[28] = 9
    with pytest.raises(SnapshotError, match="format 9 and algorithm 1, this version reads format 1"):
        Hotspots.load(bytes(data))
    with pytest.raises(SnapshotError, match="a snapshot is bytes, got str"):
        Hotspots.load("CUTBANK")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "other"),
    [("columns", (3, 40, 1.0, 4)), ("window_size", (2, 41, 1.0, 4)), ("scan_radius", (2, 40, 1.5, 4)),
     ("minimum_points", (2, 40, 1.0, 5))],
)  # fmt: skip
def test_other_parameters_are_named(name: str, other: Any) -> None:
    pool = HotspotsPool(*other)
    with pytest.raises(SnapshotError, match=f"of hotspots with {name} "):
        pool.load(grown().dump())
    assert pool.nbytes == 0


@pytest.mark.parametrize(
    ("records", "says"),
    [(np.full((3, 2), np.nan), "numbers that cannot be"), (np.full((3, 2), 1e151), "numbers that cannot be"),
     (np.zeros((41, 2)), "holds 41 records of at most 40")],
)  # fmt: skip
def test_what_cannot_be_is_refused_though_the_checksums_fit(records: Any, says: str) -> None:
    with pytest.raises(SnapshotError, match=says):
        Hotspots.load(encode(Parts(2, 40, 1.0, 4, records)))


def test_records_that_do_not_fill_their_number_are_refused() -> None:
    """A header that says four records over bytes of three."""
    data = encode(Parts(2, 40, 1.0, 4, np.zeros((3, 2))))
    header, stored = bytearray(data[:65]), data[65:]
    assert zlib.decompress(stored) == bytes(48)
    struct.pack_into("<I", header, 49, 4)
    struct.pack_into("<I", header, 61, zlib.crc32(header[:61]))
    with pytest.raises(SnapshotError, match="should have 64 bytes, got 48"):
        Hotspots.load(bytes(header) + stored)
