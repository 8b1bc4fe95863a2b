"""A window of records as bytes: the parameters, and the records from the oldest to the newest.

    magic, kind, format and algorithm version | parameters, records | length and checksum of what is stored
    | checksum of all that | records, compressed

Equal state gives equal bytes; all is little-endian. The *format* version says how to read; the *algorithm* version
changes whenever a result would change in one bit.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.errors import SnapshotError
from models.hotspots.kernels import LARGEST

MAGIC = b"CUTBANK\0"
KIND = "hotspots"
FORMAT, ALGORITHM = 1, 1

_HEAD = struct.Struct("<8s20sHH")
#: columns, window_size, minimum_points, scan_radius, records
_FACTS = struct.Struct("<BIIdI")
#: stored length, CRC-32 of what is stored
_PART = struct.Struct("<II")
_CHECK = struct.Struct("<I")
_CHECKED_BYTES = _HEAD.size + _FACTS.size + _PART.size
_HEADER_BYTES = _CHECKED_BYTES + _CHECK.size


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
    header = _HEAD.pack(MAGIC, KIND.encode(), FORMAT, ALGORITHM)
    header += _FACTS.pack(
        parts.columns, parts.window_size, parts.minimum_points, parts.scan_radius, parts.records.shape[0]
    )
    header += _PART.pack(len(stored), zlib.crc32(stored))
    return b"".join([header, _CHECK.pack(zlib.crc32(header)), stored])


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
        raise SnapshotError(f"the snapshot is of a {kind!r}, not of {KIND!r}")
    if (version, algorithm) != (FORMAT, ALGORITHM):
        raise SnapshotError(
            f"the snapshot has format {version} and algorithm {algorithm}, this version reads format {FORMAT} and "
            f"algorithm {ALGORITHM}"
        )
    if len(data) < _HEADER_BYTES:
        raise SnapshotError(f"the snapshot is truncated: {len(data)} bytes are less than its header of {_HEADER_BYTES}")
    if zlib.crc32(data[:_CHECKED_BYTES]) != _CHECK.unpack_from(data, _CHECKED_BYTES)[0]:
        raise SnapshotError("the snapshot was altered: the checksum of its header does not fit")
    columns, window_size, minimum_points, scan_radius, records = _FACTS.unpack_from(data, _HEAD.size)
    length, crc = _PART.unpack_from(data, _HEAD.size + _FACTS.size)
    stored = data[_HEADER_BYTES:]
    if len(stored) < length:
        raise SnapshotError(f"the snapshot is truncated: {len(stored)} of {length} bytes of its records are there")
    if len(stored) > length:
        raise SnapshotError(f"the snapshot was altered: it has {len(stored) - length} bytes too many")
    if zlib.crc32(stored) != crc:
        raise SnapshotError("the snapshot was altered: the checksum of its records does not fit")
    values = _records(stored, records, columns)
    if records > window_size:
        raise SnapshotError(f"the snapshot is inconsistent: it holds {records} records of at most {window_size}")
    return Parts(columns, window_size, scan_radius, minimum_points, values)


def _records(stored: bytes, records: int, columns: int) -> npt.NDArray[np.float64]:
    size = 8 * records * columns
    try:
        raw = zlib.decompressobj().decompress(stored, size + 1)
    except zlib.error as error:
        raise SnapshotError(f"the snapshot's records cannot be decompressed: {error}") from error
    if len(raw) != size:
        raise SnapshotError(f"the snapshot is inconsistent: its records should have {size} bytes, they have {len(raw)}")
    values = np.frombuffer(raw, "<f8").astype(np.float64).reshape(records, columns)
    if not (np.abs(values) <= LARGEST).all():
        raise SnapshotError("the snapshot is inconsistent: its records hold numbers that cannot be")
    return values
