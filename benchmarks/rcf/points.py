"""What all contenders read: the same points in the same order, from a file that every language reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float32]


def normal_points(count: int, dimensions: int, seed: int) -> Points:
    """Independent standard normal values, float32 (count, dimensions): every contender can hold them exactly."""
    return np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32)


def mixed_keys(calls: int, keys: int, rows_a_key: int, seed: int) -> npt.NDArray[np.int32]:
    """Whose each row is: in each call of ``keys * rows_a_key`` rows every key has equally many, in random order."""
    rng = np.random.default_rng(seed)
    call = np.repeat(np.arange(keys, dtype=np.int32), rows_a_key)
    return np.concatenate([rng.permutation(call) for _ in range(calls)])


def write_points(file: Path, points: npt.NDArray[Any]) -> None:
    """Little-endian: int32 columns, int32 rows, float32 values row by row."""
    count, dimensions = points.shape
    header = np.array([dimensions, count], "<i4")
    file.write_bytes(header.tobytes() + np.ascontiguousarray(points, "<f4").tobytes())


def write_keys(file: Path, keys: npt.NDArray[np.int32]) -> None:
    """Little-endian int32, one a row."""
    file.write_bytes(keys.astype("<i4").tobytes())
