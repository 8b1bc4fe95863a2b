"""A detector as bytes: what is kept of a key, then its two forests, each a snapshot of its own.

    magic, kind, format and algorithm version | parameters | length and checksum of each part | checksum of all that
    | state, compressed | forest of the values | forest of the distances

Equal state gives equal bytes; all is little-endian. The *format* version says how to read; the *algorithm* version
changes whenever a result would change in one bit.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.anomaly_detector.state import is_sound, size_of
from models.errors import SnapshotError

MAGIC = b"CUTBANK\0"
KIND = "anomaly_detector"
FORMAT, ALGORITHM = 1, 1
PARTS = ("state", "forest of the values", "forest of the distances")

_HEAD = struct.Struct("<8s20sHH")
#: columns, seed
_FACTS = struct.Struct("<BQ")
#: stored length, CRC-32 of what is stored
_PART = struct.Struct("<II")
_CHECK = struct.Struct("<I")
_CHECKED_BYTES = _HEAD.size + _FACTS.size + len(PARTS) * _PART.size
_HEADER_BYTES = _CHECKED_BYTES + _CHECK.size


class Parts(NamedTuple):
    """What a snapshot holds."""

    columns: int
    seed: int
    state: npt.NDArray[np.float64]
    forests: tuple[bytes, bytes]


def encode(columns: int, seed: int, state: npt.NDArray[np.float64], forests: tuple[bytes, bytes]) -> bytes:
    """The bytes of a detector. Cost: that of its forests' snapshots."""
    parts = (zlib.compress(state.astype("<f8").tobytes(), 1), *forests)
    header = _HEAD.pack(MAGIC, KIND.encode(), FORMAT, ALGORITHM) + _FACTS.pack(columns, seed)
    header += b"".join(_PART.pack(len(part), zlib.crc32(part)) for part in parts)
    return b"".join([header, _CHECK.pack(zlib.crc32(header)), *parts])


def read(data: bytes) -> Parts:
    """The parts of a snapshot, all checksums verified; SnapshotError says what is wrong."""
    if not isinstance(data, bytes | bytearray | memoryview):
        raise SnapshotError(f"a snapshot is bytes, got {type(data).__name__}")
    data = bytes(data)
    if data[: len(MAGIC)] != MAGIC:
        raise SnapshotError("these bytes are not a snapshot of a Cutbank model: they do not begin with its mark")
    if len(data) < _HEAD.size:
        raise SnapshotError(f"the snapshot is truncated: it has {len(data)} bytes")
    _, name, version, algorithm = _HEAD.unpack_from(data)
    kind = name.rstrip(b"\0").decode(errors="replace")
    if kind != KIND:
        raise SnapshotError(f"the snapshot is of a {kind!r}, not of a {KIND!r}")
    if (version, algorithm) != (FORMAT, ALGORITHM):
        raise SnapshotError(
            f"the snapshot has format {version} and algorithm {algorithm}, this version reads format {FORMAT} and "
            f"algorithm {ALGORITHM}"
        )
    if len(data) < _HEADER_BYTES:
        raise SnapshotError(f"the snapshot is truncated: {len(data)} bytes are less than its header of {_HEADER_BYTES}")
    if zlib.crc32(data[:_CHECKED_BYTES]) != _CHECK.unpack_from(data, _CHECKED_BYTES)[0]:
        raise SnapshotError("the snapshot was altered: the checksum of its header does not fit")
    columns, seed = _FACTS.unpack_from(data, _HEAD.size)
    parts: list[bytes] = []
    place = _HEADER_BYTES
    for number, name in enumerate(PARTS):
        stored, crc = _PART.unpack_from(data, _HEAD.size + _FACTS.size + number * _PART.size)
        part = data[place : place + stored]
        if len(part) != stored:
            raise SnapshotError(f"the snapshot is truncated: {len(part)} of {stored} bytes of its {name} are there")
        if zlib.crc32(part) != crc:
            raise SnapshotError(f"the snapshot was altered: the checksum of its {name} does not fit")
        parts.append(part)
        place += stored
    if place != len(data):
        raise SnapshotError(f"the snapshot was altered: it has {len(data) - place} bytes too many")
    return Parts(columns, seed, _state(columns, parts[0]), (parts[1], parts[2]))


def _state(columns: int, part: bytes) -> npt.NDArray[np.float64]:
    size = 8 * size_of(columns)
    try:
        raw = zlib.decompressobj().decompress(part, size + 1)
    except zlib.error as error:
        raise SnapshotError(f"the snapshot's state cannot be decompressed: {error}") from error
    if len(raw) != size:
        raise SnapshotError(f"the snapshot is inconsistent: its state should have {size} bytes, it has {len(raw)}")
    state = np.frombuffer(raw, "<f8").astype(np.float64)
    if not is_sound(state):
        raise SnapshotError("the snapshot is inconsistent: its state holds numbers that cannot be")
    return state
