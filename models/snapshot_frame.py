"""The frame of every model's snapshot: what it is of, which version wrote it, and checksums over all of it.

    magic, kind, format and algorithm version | facts | a line for each part: its length and checksum | checksum of
    all that | parts

A model says what its facts and parts are; the frame refuses what is truncated, altered, foreign or of another version,
in the same words for all of them. All is little-endian. The *format* version says how to read; the *algorithm* version
changes whenever a result would change in one bit.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.errors import SnapshotError

MAGIC = b"CUTBANK\0"

_HEAD = struct.Struct("<8s20sHH")
_CHECK = struct.Struct("<I")
#: stored length, CRC-32 of what is stored; before them, in a sized frame, the length once it is decompressed
_LINE = struct.Struct("<II")
_RAW = struct.Struct("<I")


@dataclass(frozen=True)
class SnapshotFrame:
    """The frame of one kind of snapshot.

    Parameters
    ----------
    kind
        Name of the model, 20 ASCII letters at most.
    facts
        Layout of the numbers in the header, little-endian.
    parts
        Names of the parts, in order; errors name them.
    sized
        Whether a part's length after decompression is told too: where it is longer than what is stored, the part is
        compressed.
    format, algorithm
        Versions.
    """

    kind: str
    facts: struct.Struct
    parts: tuple[str, ...]
    sized: bool = False
    format: int = 1
    algorithm: int = 1

    @property
    def _line_bytes(self) -> int:
        return _LINE.size + (_RAW.size if self.sized else 0)

    @property
    def _checked_bytes(self) -> int:
        return _HEAD.size + self.facts.size + len(self.parts) * self._line_bytes

    def write(self, facts: Sequence[Any], stored: Sequence[bytes], raw_lengths: Sequence[int] | None = None) -> bytes:
        """The bytes of a snapshot.

        Parameters
        ----------
        facts
            Numbers as `facts` lays them out.
        stored
            The parts as they are kept.
        raw_lengths
            In a sized frame: bytes of each part before it was compressed; their own where it was not.
        """
        header = _HEAD.pack(MAGIC, self.kind.encode(), self.format, self.algorithm) + self.facts.pack(*facts)
        for number, part in enumerate(stored):
            if raw_lengths is not None:
                header += _RAW.pack(raw_lengths[number])
            header += _LINE.pack(len(part), zlib.crc32(part))
        return b"".join([header, _CHECK.pack(zlib.crc32(header)), *stored])

    def read(self, data: bytes) -> tuple[tuple[Any, ...], dict[str, bytes]]:
        """The facts, and each part by its name, in a sized frame decompressed.

        Raises
        ------
        SnapshotError
            The bytes are truncated, altered, of another model or of another version.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise SnapshotError(f"a snapshot is bytes, got {type(data).__name__}")
        data = bytes(data)
        self._check_head(data)
        facts = self.facts.unpack_from(data, _HEAD.size)
        parts: dict[str, bytes] = {}
        line, place = _HEAD.size + self.facts.size, self._checked_bytes + _CHECK.size
        for name in self.parts:
            length, crc = _LINE.unpack_from(data, line + self._line_bytes - _LINE.size)
            part = data[place : place + length]
            if len(part) != length:
                raise SnapshotError(f"the snapshot is truncated: {len(part)} of {length} bytes of its {name} are there")
            if zlib.crc32(part) != crc:
                raise SnapshotError(f"the snapshot was altered: the checksum of its {name} does not fit")
            if self.sized:
                (size,) = _RAW.unpack_from(data, line)
                part = inflated(name, part, size) if length < size else exact(name, part, size)
            parts[name] = part
            line, place = line + self._line_bytes, place + length
        if place != len(data):
            raise SnapshotError(f"the snapshot was altered: it has {len(data) - place} bytes too many")
        return facts, parts

    def _check_head(self, data: bytes) -> None:
        if data[: len(MAGIC)] != MAGIC:
            raise SnapshotError("these bytes are not a snapshot of a Cutbank model: they do not begin with its mark")
        if len(data) < _HEAD.size:
            raise SnapshotError(f"the snapshot is truncated: it has {len(data)} bytes")
        _, name, version, algorithm = _HEAD.unpack_from(data)
        kind = name.rstrip(b"\0").decode(errors="replace")
        if kind != self.kind:
            raise SnapshotError(f"the snapshot is of {kind!r}, not of {self.kind!r}")
        if (version, algorithm) != (self.format, self.algorithm):
            raise SnapshotError(
                f"the snapshot has format {version} and algorithm {algorithm}, this version reads format {self.format} "
                f"and algorithm {self.algorithm}"
            )
        checked = self._checked_bytes
        if len(data) < checked + _CHECK.size:
            raise SnapshotError(
                f"the snapshot is truncated: {len(data)} bytes are less than its header of {checked + _CHECK.size}"
            )
        if zlib.crc32(data[:checked]) != _CHECK.unpack_from(data, checked)[0]:
            raise SnapshotError("the snapshot was altered: the checksum of its header does not fit")


def inflated(name: str, stored: bytes, size: int) -> bytes:
    """A compressed part as its `size` bytes; SnapshotError if it is not that. Memory: never much more than `size`."""
    try:
        return exact(name, zlib.decompressobj().decompress(stored, size + 1), size)
    except zlib.error as error:
        raise SnapshotError(f"the snapshot's {name} cannot be decompressed: {error}") from error


def exact(name: str, part: bytes, size: int) -> bytes:
    """A part, which must have `size` bytes; SnapshotError if it has not."""
    if len(part) != size:
        raise SnapshotError(f"the snapshot is inconsistent: its {name} should have {size} bytes, got {len(part)}")
    return part
