"""A window of records as bytes: the parameters, and the records from the oldest to the newest.

Equal state gives equal bytes. `models.snapshot_frame` says how they are framed and checked.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.errors import SnapshotError
from models.hotspots.kernels import LARGEST
from models.snapshot_frame import SnapshotFrame, inflated

#: columns, window_size, minimum_points, scan_radius, records
FRAME = SnapshotFrame("hotspots", struct.Struct("<BIIdI"), ("records",))


class Parts(NamedTuple):
    """What a snapshot holds."""

    columns: int
    window_size: int
    scan_radius: float
    minimum_points: int
    records: npt.NDArray[np.float64]


def encode(parts: Parts) -> bytes:
    """The bytes of a window."""
    stored = zlib.compress(parts.records.astype("<f8").tobytes(), 1)
    facts = (parts.columns, parts.window_size, parts.minimum_points, parts.scan_radius, parts.records.shape[0])
    return FRAME.write(facts, [stored])


def read(data: bytes) -> Parts:
    """The parts of a snapshot, all checksums verified; SnapshotError says what is wrong."""
    (columns, window_size, minimum_points, scan_radius, records), parts = FRAME.read(data)
    values = _records(parts["records"], records, columns)
    if records > window_size:
        raise SnapshotError(f"the snapshot is inconsistent: it holds {records} records of at most {window_size}")
    return Parts(columns, window_size, scan_radius, minimum_points, values)


def _records(stored: bytes, records: int, columns: int) -> npt.NDArray[np.float64]:
    raw = inflated("records", stored, 8 * records * columns)
    values = np.frombuffer(raw, "<f8").astype(np.float64).reshape(records, columns)
    if not (np.abs(values) <= LARGEST).all():
        raise SnapshotError("the snapshot is inconsistent: its records hold numbers that cannot be")
    return values
