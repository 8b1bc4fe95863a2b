"""Bytes in Flink state of functions whose labels come late: what a pack held, and what a key still has to learn.

    log entry   inputs and labels of one pack in order: keys, times, ids, labels, and of inputs their columns
    key         a key's ledger and the bytes of its model, inside the frame of a snapshot
    waiting     how many predictions of a bucket wait, and the keys whose may time out, each with its next deadline

Columns hold texts, numbers, booleans and NULLs as they crossed, so entries are JSON, compressed; a float is written
with as many digits as bring back the same bits. Frames, versions and checksums are those of `udfs.replay_log`.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from udfs.replay_log import frame, unframe

_ENTRY = struct.Struct("<Iq")  # records, start of the pack in ms
_KEY = struct.Struct("<I")  # length of the ledger


@dataclass(frozen=True)
class Events:
    """Inputs and labels of one pack, in the order they count.

    Attributes
    ----------
    keys
        Partition key of each row.
    times_ms
        Event times, ascending.
    is_label
        Whether the row is a label rather than an input.
    ids
        What joins the two; None where it is NULL, or where labels need not be joined.
    labels
        The label of a label row, or of an input that brings its own; None where it is NULL or there is none.
    columns
        Of the inputs only, in order: each column that is needed again, one value an input.
    """

    keys: Sequence[Any]
    times_ms: Sequence[int]
    is_label: Sequence[bool]
    ids: Sequence[Any]
    labels: Sequence[float | None]
    columns: Sequence[Sequence[Any]]

    def __len__(self) -> int:
        return len(self.keys)


def encode_events(events: Events, start_ms: int) -> bytes:
    """A log entry; `start_ms` is the start of the pack's interval."""
    index: dict[Any, int] = {}
    of_row = [index.setdefault(key, len(index)) for key in events.keys]
    body = {
        "keys": [list(key) if isinstance(key, tuple) else [key] for key in index],
        "key": of_row,
        "time": [int(time_ms) for time_ms in events.times_ms],
        "label_rows": [i for i, is_label in enumerate(events.is_label) if is_label],
        "id": list(events.ids),
        "label": list(events.labels),
        "columns": [list(column) for column in events.columns],
    }
    return frame(b"CBEV", _ENTRY.pack(len(events), start_ms) + _packed(body))


def decode_events(data: bytes) -> tuple[Events, int]:
    """The events of a log entry, and the start of its pack.

    Raises
    ------
    SnapshotError
        The bytes are foreign, cut or altered.
    """
    body = unframe(b"CBEV", data, "log entry")
    n, start_ms = _ENTRY.unpack_from(body)
    read = _unpacked(body[_ENTRY.size :])
    keys = [values[0] if len(values) == 1 else tuple(values) for values in read["keys"]]
    is_label = [False] * n
    for row in read["label_rows"]:
        is_label[row] = True
    events = Events([keys[i] for i in read["key"]], read["time"], is_label, read["id"], read["label"], read["columns"])
    return events, start_ms


def encode_key(ledger: Mapping[str, Any], model: bytes) -> bytes:
    """A key: `Ledger.as_data`, and its model, which is empty while it has none."""
    packed = _packed(ledger)
    return frame(b"CBLD", _KEY.pack(len(packed)) + packed + model)


def decode_key(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Ledger and model of `encode_key`; SnapshotError where the bytes are others."""
    body = unframe(b"CBLD", data, "ledger")
    end = _KEY.size + _KEY.unpack_from(body)[0]
    return _unpacked(body[_KEY.size : end]), body[end:]


def encode_waiting(pending: int, deadlines: Mapping[str, int]) -> bytes:
    """How many predictions of a bucket wait, and when to look at which key, by the keys' texts."""
    return frame(b"CBWT", _packed([pending, dict(deadlines)]))


def decode_waiting(data: bytes) -> tuple[int, dict[str, int]]:
    """Number and deadlines of `encode_waiting`; SnapshotError where the bytes are others."""
    pending, deadlines = _unpacked(unframe(b"CBWT", data, "waiting keys"))
    return pending, deadlines


def _packed(data: Any) -> bytes:
    return zlib.compress(json.dumps(data, separators=(",", ":")).encode(), 1)


def _unpacked(data: bytes) -> Any:
    return json.loads(zlib.decompress(data))
