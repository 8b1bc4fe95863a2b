"""Recorded frames: lines of ``{"recv_ns", "venue", "msg"}``, gzip or not, byte for byte as they were received."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from jobs.errors import CutbankError, UsageError


class Frame(NamedTuple):
    """One recorded frame.

    Attributes
    ----------
    at_ns
        When it was received, by the recorder's clock.
    data
        The frame.
    """

    at_ns: int
    data: bytes


def read_recording(path: Path) -> Iterator[tuple[str, Frame]]:
    """Venue and frame of every line.

    Raises
    ------
    UsageError
        There is no such file.
    CutbankError
        It cannot be read, or a line is no recorded frame; the message names it.
    """
    if not path.is_file():
        raise UsageError(f"no file {str(path)!r}; expected a recording, lines of recv_ns, venue and msg")
    opening = gzip.open if path.suffix == ".gz" else open
    try:
        with opening(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                yield _frame(path, number, line)
    except (OSError, EOFError) as error:
        raise CutbankError(f"{str(path)!r} cannot be read: {error}") from error


def _frame(path: Path, number: int, line: bytes) -> tuple[str, Frame]:
    try:
        record = orjson.loads(line)
        venue, at_ns = record["venue"], record["recv_ns"]
        if not isinstance(venue, str) or not isinstance(at_ns, int):
            raise ValueError
        # the frame as it stands in the line, not written anew
        start = line.index(b'"msg":') + len(b'"msg":')
        data = line[start : line.rindex(b"}")].strip()
        if orjson.loads(data) != record["msg"]:
            data = orjson.dumps(record["msg"])
    except (ValueError, KeyError, TypeError) as error:
        raise CutbankError(
            f"{str(path)!r}, line {number}: no recorded frame; expected an object with recv_ns, venue and msg"
        ) from error
    return venue, Frame(at_ns, data)
