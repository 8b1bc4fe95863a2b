"""A forest as bytes: small, canonical, checked, never a pickle.

    magic, kind | format and algorithm version | parameters | counters | lengths and checksum of each section
    | sections

All numbers are little-endian. State is what the future depends on: parameters, offsets, history, the record
count, and for each tree its shape, cuts, points, copies, keys, random state and goal. Boxes and ranges are
rebuilt, with the same bits; node codes and the order of heaps and free lists are not state. Equal state gives
equal bytes. Sections that compress are compressed (zlib, level 1), the random ones are not. Each has a
CRC-32, and so has the header.

The *format* version says how to read; the *algorithm* version changes whenever a score would change in one
bit.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.errors import ParameterError, SnapshotError
from models.kernel_cache import ready
from models.random_cut_forest.boxes import width_of
from models.random_cut_forest.layout import OFFSETS, SEEN
from models.random_cut_forest.parameters import MISSING, Parameters
from models.random_cut_forest.snapshot_kernels import SOUND, Arrays, empty_arrays, flatten, rebuild

MAGIC = b"CUTBANK\0"
KIND = b"random_cut_forest"
FORMAT, ALGORITHM = 1, 1
_HEAD = struct.Struct("<8s20sHH")
_FACTS = struct.Struct("<BHHIBQBQI")  # dimensions, trees, sample, decay, shingle, seed, missing, seen, points
_SECTION = struct.Struct("<III")  # raw length, stored length, CRC-32 of what is stored
_CHECK = struct.Struct("<I")
_SECTIONS = 11
_HEADER_BYTES = _HEAD.size + _FACTS.size + _SECTIONS * _SECTION.size + _CHECK.size

_WRONG = {
    1: "a tree's shape is not a tree", 2: "a leaf names a point that is not there", 3: "copies and samples disagree",
    4: "a cut is in a dimension that is not there", 5: "a cut does not separate its two sides",
}  # fmt: skip


class Facts(NamedTuple):
    """What the header of a snapshot says."""

    parameters: Parameters
    seen: int
    points: int


def _mass(parameters: Parameters, seen: int) -> int:
    """Samples held by each tree."""
    return max(0, min(seen - (parameters.shingle_size - 1), parameters.sample_size))


def _packed_wide(values: npt.NDArray[np.uint32] | npt.NDArray[np.float32]) -> bytes:
    """Bytes by significance: the upper ones repeat, and compress better among themselves."""
    return np.ascontiguousarray(values.view(np.uint8).reshape(-1, 4).T).tobytes()


def _unpacked_wide(data: bytes) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(np.frombuffer(data, np.uint8).reshape(4, -1).T).reshape(-1)


def encode(parameters: Parameters, block: npt.NDArray[np.uint8]) -> bytes:
    """The bytes of the forest in a block. Cost: some 10 ms for 100 trees of 256 samples."""
    layout = parameters.layout
    header_end = int(layout.history_at) + 4 * parameters.dimensions * (parameters.shingle_size - 1)
    seen = int(block[int(SEEN) : int(SEEN) + 8].view(np.uint64)[0])
    mass = _mass(parameters, seen)
    arrays = empty_arrays(parameters.trees, mass, parameters.vector)
    table = np.zeros(1 << (2 * parameters.trees * mass + 1).bit_length(), np.int64)
    arguments = (layout, np.uint64(block.ctypes.data), mass, arrays, table)
    ready(flatten, *arguments)
    nodes, inner, leaves, points = flatten(*arguments)
    numbers = arrays.points_of[:leaves]
    first = np.zeros(leaves, np.bool_)  # a point's first leaf needs no number: it is the next one
    first[np.unique(numbers, return_index=True)[1]] = True
    copies = arrays.copies[:leaves]
    arrays.keys.sort()
    keys = (arrays.keys & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    dimensions = arrays.dimensions[:inner]
    sections = [
        (False, block[int(OFFSETS) : header_end].tobytes()),
        (True, arrays.leaf_counts.tobytes()),
        (False, arrays.random.tobytes() + arrays.goals.tobytes()),
        (False, np.packbits(arrays.inner[:nodes]).tobytes()),
        (True, b"" if parameters.vector == 1 else dimensions.astype(np.uint8 if parameters.vector <= 256 else "<u2").tobytes()),
        (True, _packed_wide(arrays.cuts[:inner])),
        (False, np.packbits(first).tobytes()),
        (True, numbers[~first].astype(np.uint16 if points <= 65536 else np.uint32).tobytes()),
        (True, np.packbits(copies > 1).tobytes() + copies[copies > 1].tobytes()),
        (True, _packed_wide(keys)),
        (True, _packed_wide(arrays.points[:points].reshape(-1))),
    ]  # fmt: skip
    stored = [_compressed(data) if compress else data for compress, data in sections]
    missing = MISSING.index(parameters.missing)
    header = _HEAD.pack(MAGIC, KIND, FORMAT, ALGORITHM) + _FACTS.pack(
        parameters.dimensions, parameters.trees, parameters.sample_size, parameters.time_decay,
        parameters.shingle_size, parameters.seed, missing, seen, points,
    )  # fmt: skip
    for (_, raw), data in zip(sections, stored, strict=True):
        header += _SECTION.pack(len(raw), len(data), zlib.crc32(data))
    return b"".join([header, _CHECK.pack(zlib.crc32(header)), *stored])


def _compressed(data: bytes) -> bytes:
    smaller = zlib.compress(data, 1)
    return smaller if len(smaller) < len(data) else data


def read_header(data: bytes) -> tuple[Facts, list[bytes]]:
    """The facts and the raw sections of a snapshot, all checksums verified."""
    if not isinstance(data, bytes | bytearray | memoryview):
        raise SnapshotError(f"a snapshot is bytes, got {type(data).__name__}")
    data = bytes(data)
    if data[:8] != MAGIC:
        raise SnapshotError(
            "these bytes are not a snapshot of a Cutbank model: they do not begin with its mark"
        )
    if len(data) < _HEADER_BYTES:
        raise SnapshotError(
            f"the snapshot is truncated: {len(data)} bytes are less than its header of {_HEADER_BYTES}"
        )
    _, kind, version, algorithm = _HEAD.unpack_from(data)
    kind = kind.rstrip(b"\0")
    if kind != KIND:
        raise SnapshotError(
            f"the snapshot is of a {kind.decode(errors='replace')!r}, not of a {KIND.decode()!r}"
        )
    if version != FORMAT or algorithm != ALGORITHM:
        raise SnapshotError(
            f"the snapshot has format {version} and algorithm {algorithm}; this version reads format {FORMAT} and "
            f"algorithm {ALGORITHM}"
        )
    header, check = (
        data[: _HEADER_BYTES - _CHECK.size],
        _CHECK.unpack_from(data, _HEADER_BYTES - _CHECK.size)[0],
    )
    if zlib.crc32(header) != check:
        raise SnapshotError("the snapshot's header was altered: its checksum does not fit")
    *numbers, missing, seen, points = _FACTS.unpack_from(data, _HEAD.size)
    try:
        parameters = Parameters(*numbers, missing=MISSING[missing])
    except (ParameterError, IndexError) as error:
        raise SnapshotError(f"the snapshot's parameters are not possible: {error}") from error
    sections, place = [], _HEADER_BYTES
    for number in range(_SECTIONS):
        raw, stored, crc = _SECTION.unpack_from(data, _HEAD.size + _FACTS.size + number * _SECTION.size)
        part = data[place : place + stored]
        place += stored
        if len(part) != stored:
            raise SnapshotError(
                f"the snapshot is truncated: section {number} ends after {len(part)} of {stored} bytes"
            )
        if zlib.crc32(part) != crc:
            raise SnapshotError(f"the snapshot was altered: the checksum of section {number} does not fit")
        if stored < raw:
            try:
                part = zlib.decompress(part, bufsize=raw)
            except zlib.error as error:
                raise SnapshotError(
                    f"section {number} of the snapshot cannot be decompressed: {error}"
                ) from error
        if len(part) != raw:
            raise SnapshotError(
                f"section {number} of the snapshot has {len(part)} bytes, its header says {raw}"
            )
        sections.append(part)
    if place != len(data):
        raise SnapshotError(f"the snapshot has {len(data) - place} bytes too many")
    return Facts(parameters, seen, points), sections


def _bits(data: bytes, count: int) -> npt.NDArray[np.bool_]:
    if len(data) != (count + 7) // 8:
        raise SnapshotError(f"the snapshot is inconsistent: {len(data)} bytes for {count} flags")
    return np.unpackbits(np.frombuffer(data, np.uint8), count=count).view(np.bool_)


def _numbers(data: bytes, kind: str, count: int) -> np.ndarray:
    if len(data) != count * np.dtype(kind).itemsize:
        raise SnapshotError(
            f"the snapshot is inconsistent: {len(data)} bytes for {count} numbers of type {kind}"
        )
    return np.frombuffer(data, kind)


def decode(facts: Facts, sections: list[bytes], block: npt.NDArray[np.uint8]) -> None:
    """Build the forest of a snapshot in a fresh block; SnapshotError if its parts do not make one."""
    parameters = facts.parameters
    layout, mass, trees = parameters.layout, _mass(parameters, facts.seen), parameters.trees
    counts = _numbers(sections[1], "<u2", trees).astype(np.uint16)
    leaves = int(counts.sum(dtype=np.int64))
    inner = leaves - int(np.count_nonzero(counts))
    first = _bits(sections[6], leaves)
    number_type = "<u2" if facts.points <= 65536 else "<u4"
    numbers = np.zeros(leaves, np.uint32)
    numbers[first] = np.arange(np.count_nonzero(first), dtype=np.uint32)
    numbers[~first] = _numbers(sections[7], number_type, leaves - int(np.count_nonzero(first)))
    flags = (leaves + 7) // 8
    several = _bits(sections[8][:flags], leaves)
    copies = np.ones(leaves, np.uint16)
    copies[several] = _numbers(sections[8][flags:], "<u2", int(np.count_nonzero(several)))
    if parameters.vector == 1:
        dimensions = np.zeros(inner, np.uint16)
        _numbers(sections[4], "u1", 0)
    else:
        dimensions = _numbers(sections[4], "u1" if parameters.vector <= 256 else "<u2", inner).astype(
            np.uint16
        )
    randoms = _numbers(sections[2], "<u8", 2 * trees)
    points = _wide(sections[10], "<f4", facts.points * parameters.vector)
    if not np.isfinite(points).all():
        raise SnapshotError("the snapshot holds a point that is not finite")
    arrays = Arrays(
        counts, randoms[:trees].astype(np.uint64), randoms[trees:].view(np.float64).copy(), _bits(sections[3], leaves + inner),
        dimensions, _wide(sections[5], "<f4", inner), numbers, copies,
        _wide(sections[9], "<u4", trees * mass).astype(np.uint64), points.reshape(facts.points, parameters.vector),
    )  # fmt: skip
    history_end = int(layout.history_at) + 4 * parameters.dimensions * (parameters.shingle_size - 1)
    block[int(OFFSETS) : history_end] = _numbers(sections[0], "u1", history_end - int(OFFSETS))
    block[int(SEEN) : int(SEEN) + 8] = np.array([facts.seen], np.uint64).view(np.uint8)
    arguments = (layout, np.uint64(block.ctypes.data), mass, arrays, width_of(int(layout.lanes)))
    ready(rebuild, *arguments)
    wrong = rebuild(*arguments)
    if wrong != SOUND:
        raise SnapshotError(f"the snapshot is inconsistent: {_WRONG[wrong]}")


def _wide(data: bytes, kind: str, count: int) -> np.ndarray:
    if len(data) != 4 * count:
        raise SnapshotError(
            f"the snapshot is inconsistent: {len(data)} bytes for {count} numbers of type {kind}"
        )
    return _unpacked_wide(data).view(kind)
