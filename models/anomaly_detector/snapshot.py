"""A detector as bytes: what is kept of a key, then its two forests, each a snapshot of its own.

Equal state gives equal bytes. `models.snapshot_frame` says how they are framed and checked.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.anomaly_detector.state import is_sound, size_of
from models.errors import SnapshotError
from models.snapshot_frame import SnapshotFrame, inflated

#: columns, seed
FRAME = SnapshotFrame(
    "anomaly_detector", struct.Struct("<BQ"), ("state", "forest of the values", "forest of the distances")
)


class Parts(NamedTuple):
    """What a snapshot holds."""

    columns: int
    seed: int
    state: npt.NDArray[np.float64]
    forests: tuple[bytes, bytes]


def encode(columns: int, seed: int, state: npt.NDArray[np.float64], forests: tuple[bytes, bytes]) -> bytes:
    """The bytes of a detector. Cost: that of its forests' snapshots."""
    parts = (zlib.compress(state.astype("<f8").tobytes(), 1), *forests)
    return FRAME.write((columns, seed), parts)


def read(data: bytes) -> Parts:
    """The parts of a snapshot, all checksums verified; SnapshotError says what is wrong."""
    (columns, seed), parts = FRAME.read(data)
    state, values, distances = parts.values()
    return Parts(columns, seed, _state(columns, state), (values, distances))


def _state(columns: int, part: bytes) -> npt.NDArray[np.float64]:
    raw = inflated("state", part, 8 * size_of(columns))
    state = np.frombuffer(raw, "<f8").astype(np.float64)
    if not is_sound(state):
        raise SnapshotError("the snapshot is inconsistent: its state holds numbers that cannot be")
    return state
