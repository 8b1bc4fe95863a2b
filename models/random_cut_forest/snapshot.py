"""A forest as bytes: small, canonical, checked, never a pickle.

State is what the future depends on: parameters, offsets, the last records, the record count, and for each tree its
shape, cuts, points, copies, keys, random state and goal. Boxes and ranges are rebuilt, with the same bits; codes of
nodes and the order of heaps and free lists are not state. Equal state gives equal bytes. All is little-endian. Words
of four bytes are laid out byte by byte: the upper bytes repeat and compress, the lower ones often do not and are left
alone (zlib, level 1, tried on a sample). Points that several trees hold are written once.
`models.snapshot_frame` says how all this is framed and checked.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.errors import ParameterError, SnapshotError
from models.kernel_cache import ready
from models.random_cut_forest.boxes import width_of
from models.random_cut_forest.layout import OFFSETS, SEEN
from models.random_cut_forest.parameters import MISSING, Parameters
from models.random_cut_forest.snapshot_kernels import SOUND, Arrays, empty_arrays, flatten, rebuild
from models.snapshot_frame import SnapshotFrame

_PLANES = range(4)
_SECTIONS = (
    "history", "leaf counts", "generators and goals", "shapes", "dimensions", *(f"cuts {k}" for k in _PLANES),
    "first leaves", "point numbers", "copies", *(f"keys {k}" for k in _PLANES), *(f"points {k}" for k in _PLANES),
)  # fmt: skip
#: dimensions, trees, sample_size, time_decay, shingle_size, seed, missing, records seen, points
FRAME = SnapshotFrame("random_cut_forest", struct.Struct("<BHHIBQBQI"), _SECTIONS, sized=True)
#: Bytes on which compression is tried.
_SAMPLE_BYTES = 4096

_WRONG = (
    "", "a tree's shape is not a tree", "a leaf names a point that is not there", "copies and samples disagree",
    "a cut is in a dimension that is not there", "a cut does not separate its two sides",
)  # fmt: skip


class Facts(NamedTuple):
    """What the header of a snapshot says."""

    parameters: Parameters
    seen: int
    points: int

    @property
    def mass(self) -> int:
        """Samples held by each tree."""
        parameters = self.parameters
        return max(0, min(self.seen - (parameters.shingle_size - 1), parameters.sample_size))


# ---------------------------------------------------------------- writing
def encode(parameters: Parameters, block: npt.NDArray[np.uint8]) -> bytes:
    """The bytes of the forest in a block. Cost: some 5 to 20 ms for 100 trees of 256 samples."""
    layout = parameters.layout
    seen = int(block[int(SEEN) : int(SEEN) + 8].view(np.uint64)[0])
    mass = Facts(parameters, seen, 0).mass
    arrays = empty_arrays(parameters.trees, mass, parameters.vector)
    table = np.zeros(1 << (2 * parameters.trees * mass + 1).bit_length(), np.int32)
    arguments = (layout, np.uint64(block.ctypes.data), mass, arrays, table)
    ready(flatten, *arguments)
    nodes, inner, leaves, points = flatten(*arguments)
    arrays.keys.sort()
    numbers, copies = arrays.points_of[:leaves], arrays.copies[:leaves]
    first = _first_leaves(numbers)
    sections = [
        block[int(OFFSETS) : _history_end(parameters)].tobytes(),
        arrays.leaf_counts.astype("<u2").tobytes(),
        arrays.random.astype("<u8").tobytes() + arrays.goals.astype("<f8").tobytes(),
        np.packbits(arrays.inner[:nodes]).tobytes(),
        arrays.dimensions[:inner].astype(_dimension_type(parameters)).tobytes() if parameters.vector > 1 else b"",
        *_planes(arrays.cuts[:inner]),
        np.packbits(first).tobytes(),
        numbers[~first].astype(_number_type(points)).tobytes(),
        np.packbits(copies > 1).tobytes() + copies[copies > 1].astype("<u2").tobytes(),
        *_planes((arrays.keys & np.uint64(0xFFFFFFFF)).astype(np.uint32)),
        *_planes(arrays.points[:points]),
    ]
    stored = [_compressed(section) for section in sections]
    facts = (
        parameters.dimensions, parameters.trees, parameters.sample_size, parameters.time_decay,
        parameters.shingle_size, parameters.seed, MISSING.index(parameters.missing), seen, points,
    )  # fmt: skip
    return FRAME.write(facts, stored, [len(section) for section in sections])


def _history_end(parameters: Parameters) -> int:
    return int(parameters.layout.history_at) + 4 * parameters.dimensions * (parameters.shingle_size - 1)


def _first_leaves(numbers: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """Which leaves show a point for the first time. Their points are numbered 0, 1, 2, ..., so it need not be said."""
    so_far = np.maximum.accumulate(numbers) if numbers.size else numbers
    return np.concatenate((np.ones(min(1, numbers.size), np.bool_), so_far[1:] > so_far[:-1]))


def _dimension_type(parameters: Parameters) -> str:
    return "u1" if parameters.vector <= 256 else "<u2"


def _number_type(points: int) -> str:
    return "<u2" if points <= 65536 else "<u4"


def _planes(words: npt.NDArray[Any]) -> list[bytes]:
    """The lowest bytes of all words, then the next, ..."""
    data = words.astype(words.dtype.newbyteorder("<"), copy=False).reshape(-1).view(np.uint8).reshape(-1, 4)
    return [data[:, k].tobytes() for k in _PLANES]


def _compressed(data: bytes) -> bytes:
    """The data compressed, if that helps."""
    middle = len(data) // 2
    sample = data[middle : middle + _SAMPLE_BYTES]
    if len(zlib.compress(sample, 1)) > 0.95 * len(sample):
        return data
    smaller = zlib.compress(data, 1)
    return smaller if len(smaller) < len(data) else data


# ---------------------------------------------------------------- reading
def read(data: bytes) -> tuple[Facts, dict[str, bytes]]:
    """The facts and the sections of a snapshot, all checksums verified; SnapshotError says what is wrong."""
    (dimensions, trees, sample, decay, shingle, seed, missing, seen, points), sections = FRAME.read(data)
    try:
        parameters = Parameters(dimensions, trees, sample, decay, shingle, seed, MISSING[missing])
    except (ParameterError, IndexError) as error:
        raise SnapshotError(f"the snapshot's parameters are not possible: {error}") from error
    return Facts(parameters, seen, points), sections


class _Sections:
    """The sections as arrays of given length."""

    def __init__(self, parts: dict[str, bytes]) -> None:
        self._parts = parts

    def numbers(self, name: str, kind: str, count: int, start: int = 0) -> npt.NDArray[Any]:
        part = self._parts[name][start:]
        if len(part) != count * np.dtype(kind).itemsize:
            raise SnapshotError(f"the snapshot is inconsistent: {len(part)} bytes for {count} {name}")
        return np.frombuffer(part, kind)

    def flags(self, name: str, count: int) -> npt.NDArray[np.bool_]:
        part = self._parts[name]
        if len(part) < (count + 7) // 8:
            raise SnapshotError(f"the snapshot is inconsistent: {len(part)} bytes for {count} {name}")
        return np.unpackbits(np.frombuffer(part, np.uint8), count=count).view(np.bool_)

    def words(self, name: str, kind: str, count: int) -> npt.NDArray[Any]:
        columns = [self.numbers(f"{name} {k}", "u1", count) for k in _PLANES]
        return np.stack(columns, axis=1).reshape(-1).view(kind)


def decode(facts: Facts, parts: dict[str, bytes], block: npt.NDArray[np.uint8]) -> None:
    """Build the forest of a snapshot in an empty block; SnapshotError if its parts do not make one."""
    parameters, sections = facts.parameters, _Sections(parts)
    layout, trees, vector = parameters.layout, parameters.trees, parameters.vector
    counts = sections.numbers("leaf counts", "<u2", trees).astype(np.uint16)
    leaves = int(counts.sum(dtype=np.int64))
    inner = leaves - int(np.count_nonzero(counts))
    first = sections.flags("first leaves", leaves)
    shown = int(np.count_nonzero(first))
    numbers = np.zeros(leaves, np.uint32)
    numbers[first] = np.arange(shown)
    numbers[~first] = sections.numbers("point numbers", _number_type(facts.points), leaves - shown)
    several = sections.flags("copies", leaves)
    copies = np.ones(leaves, np.uint16)
    copies[several] = sections.numbers("copies", "<u2", int(np.count_nonzero(several)), (leaves + 7) // 8)
    named = inner if vector > 1 else 0
    dimensions = np.zeros(inner, np.uint16)
    dimensions[:named] = sections.numbers("dimensions", _dimension_type(parameters), named)
    state = sections.numbers("generators and goals", "<u8", 2 * trees)
    points = sections.words("points", "<f4", facts.points * vector)
    if not np.isfinite(points).all():
        raise SnapshotError("the snapshot is inconsistent: it holds a point that is not finite")
    arrays = Arrays(
        leaf_counts=counts,
        random=state[:trees].astype(np.uint64),
        goals=state[trees:].view("<f8").astype(np.float64),
        inner=sections.flags("shapes", leaves + inner),
        dimensions=dimensions,
        cuts=sections.words("cuts", "<f4", inner).astype(np.float32),
        points_of=numbers,
        copies=copies,
        keys=sections.words("keys", "<u4", trees * facts.mass).astype(np.uint64),
        points=points.astype(np.float32).reshape(facts.points, vector),
    )
    end = _history_end(parameters)
    block[int(OFFSETS) : end] = sections.numbers("history", "u1", end - int(OFFSETS))
    block[int(SEEN) : int(SEEN) + 8] = np.array([facts.seen], np.uint64).view(np.uint8)
    arguments = (layout, np.uint64(block.ctypes.data), facts.mass, arrays, width_of(int(layout.lanes)))
    ready(rebuild, *arguments)
    wrong = rebuild(*arguments)
    if wrong != SOUND:
        raise SnapshotError(f"the snapshot is inconsistent: {_WRONG[wrong]}")
