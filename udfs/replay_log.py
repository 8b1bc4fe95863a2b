"""Bytes that the pack host keeps in Flink state: the log of inputs, the snapshots of keys, the header of a bucket.

    log entry   what one pack taught the models: keys, event times, values as float64, and the pack's start
    snapshot    one key: its last event time and the pool's own bytes of its model
    header      which function with which parameters wrote this bucket's state

Each starts with a magic of four letters, a version, and the CRC-32 of what follows; anything else is refused with a
sentence. No pickle: the bytes mean the same to every later version of this code.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.errors import SnapshotError
from udfs.pack import FloatArray, IntArray

VERSION = 1
_FRAME = struct.Struct("<4sHI")  # magic, version, CRC-32 of the body
_ENTRY = struct.Struct("<IIIq")  # rows, keys, columns, start of the pack in ms
_SNAPSHOT = struct.Struct("<q")  # last event time in ms


class StateMismatchError(SnapshotError):
    """State was written by another function or with other parameters."""


@dataclass(frozen=True)
class LogEntry:
    """The rows of one pack that models learned from, in the order they learned.

    Attributes
    ----------
    keys
        Texts of the distinct keys (`key_text`).
    key_of_row
        (n,) index into `keys`.
    times_ms, values
        (n,) and (n, d), as given to the pool.
    start_ms
        Start of the pack's interval: what `idle` is measured against.
    """

    keys: tuple[str, ...]
    key_of_row: IntArray
    times_ms: IntArray
    values: FloatArray
    start_ms: int

    def encode(self) -> bytes:
        """Bytes of this entry: 12 + 8 d bytes a row and the keys' texts."""
        n, d = self.values.shape
        texts = json.dumps(self.keys, ensure_ascii=False, separators=(",", ":")).encode()
        body = b"".join(
            (
                _ENTRY.pack(n, len(texts), d, self.start_ms),
                texts,
                self.key_of_row.astype("<u4").tobytes(),
                self.times_ms.astype("<i8").tobytes(),
                np.ascontiguousarray(self.values, dtype="<f8").tobytes(),
            )
        )
        return frame(b"CBLG", body)

    @classmethod
    def decode(cls, data: bytes) -> LogEntry:
        """The entry of these bytes.

        Raises
        ------
        SnapshotError
            The bytes are foreign, cut or altered.
        """
        body = unframe(b"CBLG", data, "log entry")
        n, text_bytes, d, start_ms = _ENTRY.unpack_from(body)
        at = _ENTRY.size
        keys = tuple(json.loads(body[at : at + text_bytes]))
        at += text_bytes
        key_of_row = np.frombuffer(body, "<u4", n, at).astype(np.int64)
        times = np.frombuffer(body, "<i8", n, at + 4 * n).astype(np.int64)
        values = np.frombuffer(body, "<f8", n * d, at + 12 * n).reshape(n, d).astype(np.float64)
        return cls(keys, key_of_row, times, values, start_ms)


def key_text(key: Any) -> str:
    """A partition key as a text that tells every two keys apart: JSON of the list of its values."""
    return json.dumps(key if isinstance(key, tuple) else (key,), ensure_ascii=False, separators=(",", ":"))


def key_of_text(text: str) -> Any:
    """The partition key that `key_text` wrote, in the form a pack has it."""
    values = json.loads(text)
    return values[0] if len(values) == 1 else tuple(values)


def encode_snapshot(last_ms: int, model: bytes) -> bytes:
    """A key's snapshot: when it was last seen, and its model."""
    return frame(b"CBKS", _SNAPSHOT.pack(last_ms) + model)


def decode_snapshot(data: bytes) -> tuple[int, bytes]:
    """Last event time and model bytes of a key's snapshot."""
    body = unframe(b"CBKS", data, "snapshot")
    return _SNAPSHOT.unpack_from(body)[0], body[_SNAPSHOT.size :]


def encode_header(function: str, parameters: Mapping[str, Any]) -> bytes:
    """What has to agree for state to be read again."""
    described = {"function": function, "parameters": dict(parameters)}
    return frame(b"CBHD", json.dumps(described, sort_keys=True).encode())


def check_header(data: bytes, function: str, parameters: Mapping[str, Any]) -> None:
    """Refuse state of another function or of other parameters.

    Raises
    ------
    StateMismatchError
        Names what differs.
    """
    written = json.loads(unframe(b"CBHD", data, "header"))
    if written["function"] != function:
        raise StateMismatchError(
            f"the saved state is of {written['function']}, the file calls {function}; run with --fresh to begin anew"
        )
    old, new = written["parameters"], json.loads(json.dumps(dict(parameters)))
    differing = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if differing:
        changes = ", ".join(f"{name} {old.get(name)!r} -> {new.get(name)!r}" for name in differing)
        raise StateMismatchError(
            f"{function}: the saved models have other parameters ({changes}); "
            "put them back, or run with --fresh to begin anew"
        )


def frame(magic: bytes, body: bytes) -> bytes:
    """Body behind magic, version and checksum."""
    return _FRAME.pack(magic, VERSION, zlib.crc32(body)) + body


def unframe(magic: bytes, data: bytes, what: str) -> bytes:
    """The body of framed bytes.

    Raises
    ------
    SnapshotError
        Says which of length, magic, version and checksum is wrong.
    """
    if len(data) < _FRAME.size:
        raise SnapshotError(f"{what}: {len(data)} bytes are too few, it was cut off")
    found, version, checksum = _FRAME.unpack_from(data)
    if found != magic:
        raise SnapshotError(f"{what}: begins with {found!r}, expected {magic!r}: these are other bytes")
    if version != VERSION:
        raise SnapshotError(f"{what}: format version {version}, this code reads {VERSION}")
    body = data[_FRAME.size :]
    if zlib.crc32(body) != checksum:
        raise SnapshotError(f"{what}: checksum differs, the bytes were cut off or altered")
    return body
